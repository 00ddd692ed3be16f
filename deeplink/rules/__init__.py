"""
What a config must keep beyond its shape: each rule reads one part and answers with values.

A rule takes text once and gives back a finished value, or says in the report why it cannot;
nobody after it asks again. No finding holds a secret, or a text that may be one.
"""
