"""Amazon Rekognition Video: shots, technical cues, labels, objects, text, faces and moderation of
videos that lie in S3.

calls.py, results.py and source.py talk to AWS; the others are pure.
"""
