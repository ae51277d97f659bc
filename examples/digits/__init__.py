"""The story of one model, from training to roll-back, told with the SDK alone: what a team does with Countersign."""
