"""Programs that use Countersign as its users do: through the SDK alone."""
