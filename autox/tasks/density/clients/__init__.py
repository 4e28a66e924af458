"""The clients of task ``density``: lists, watches, gets and patches beside its pods, as controllers make them.

Pure: ``asking`` (what each request is, and what an answer must look like), ``tally`` (what became of them),
``clientfigures`` (the metrics), ``clientnotes`` (the sentences beside them) and ``accountobjects`` (a service account
of their own). Effects: ``accounts`` (makes those), ``pacer`` (wakes who is due), ``renewal`` (credentials), ``line``
(the connection of one client), ``requesting`` (one client that asks), ``watching`` (one that watches), ``ownobjects``
(what they get and patch), ``permission`` (whether they may) and ``traffic`` (all of them, from beginning to end).
"""
