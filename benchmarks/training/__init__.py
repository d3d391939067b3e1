"""Which optimizer, at which learning rate? Networks trained at all of them.

`data` and `models` say what is trained on what, `optimizers` what each optimizer is
measured against. `loop` is one training, `study` all rates and seeds of one optimizer
in one program, `speed` what a step costs. `report` and the figures show it; `arguments`
and `__main__` are the command line.
"""
