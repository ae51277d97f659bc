"""What differs between reported runs: parameters, metrics, code, data, environment. Pure, over what the runs hold."""
