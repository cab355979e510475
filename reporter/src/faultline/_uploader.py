NOTHING_LEFT = 0
def deliver(spool):
    return NOTHING_LEFT
