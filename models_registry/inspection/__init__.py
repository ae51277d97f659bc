"""What a checkpoint is, decided in two steps: a static gate that only reads, then the sandboxed child that loads.

formats and archives recognise and take apart; pickles, machine and saved read a pickle without running it; headers reads
safetensors; programs judges exported programs, by program_schema, operators and expressions; gate decides: all with the
standard library alone, for any process. child, loading and program_loading import torch and run in the sandbox only.
architectures describes the modules that weights can be put into; torch is imported when one is built.
"""
