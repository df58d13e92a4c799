def count(boats):
    return len(boats)
