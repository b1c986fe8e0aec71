"""Access at the machine: a badge, a code or a button, and what is answered.

`decide` answers one request; `sessions` opens and ends what somebody was allowed; `who` knows badges and codes;
`time_for` finds or reserves the time; `roster` says who may start while the lab is out of reach.
"""
