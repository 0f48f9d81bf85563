"""Limits how much code runs at once, or how often, over all processes that ask the same API.

    with concurrency("database", occupy=1):     # async with ... in asynchronous code
        query()

    rate_limit("vendor-api")                     # await rate_limit(...) in asynchronous code

A limit is made once, as `towpath concurrency-limit create database 5` or as a ConcurrencyLimit resource. Task runs whose tags have its
name take its slots too. Where there is no limit of that name, nothing is limited, unless `strict`.
"""

from towpath.concurrency.holding import Concurrency, concurrency, rate_limit

__all__ = ["Concurrency", "concurrency", "rate_limit"]
