"""Samples: what is read back."""

import cloudpickle
import json
import pickle


def read(data, file, shelf):
    # ruleid: nothing-is-unpickled-on-the-server
    one = cloudpickle.loads(data)
    # ruleid: nothing-is-unpickled-on-the-server
    other = pickle.load(file)
    # ok: nothing-is-unpickled-on-the-server
    plain = json.loads(data)
    # ok: nothing-is-unpickled-on-the-server
    written = cloudpickle.dumps(plain)
    return one, other, written, shelf
