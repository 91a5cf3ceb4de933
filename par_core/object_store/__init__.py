"""Stores on an object store, such as S3: the truth is there, and each host works on a copy of what it needs.

client        what an object store must do
memory        one within this process, for tests
s3            S3 and what speaks its protocol
opening       the object store of a URL
head          the one object that is replaced: version, lease and epoch
holding       the lease of the one writer, and its commits
catalogue     which objects make up each file of a version
copy_state    which files a working copy holds, and of which version
transfer      contents of files to and from objects
followed_copy  a folder that is brought in line with versions
working_copy  such a folder; what a writer changed there becomes the next version
assignments   work for workers that share no folder with the run, and their answers
sharing       files of a writer's copy for such workers
patience      waiting for an object store that is away
records       small files that many hosts change: tokens, audit log, reviews, saved searches
names         names in a working copy
slashes       URLs that lack their slashes
places        where working copies are

See docs/decisions/0025-a-store-on-an-object-store.md and 0026-workers-of-other-hosts-share-nothing.md.
"""
