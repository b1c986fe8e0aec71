"""What a model or a drawing will take, guessed before anybody sliced it.

The files are strangers': whoever serves people calls these functions through `limited.run_limited`.
"""
