"""Blobs in a folder, in S3 and what is like it, in GCS and Azure: all on obstore."""

from profilecore.adapters.obstore.blobs import ObstoreBlobs
from profilecore.adapters.obstore.folder import FolderBlobs
from profilecore.adapters.obstore.places import Bucket

__all__ = ["Bucket", "FolderBlobs", "ObstoreBlobs"]
