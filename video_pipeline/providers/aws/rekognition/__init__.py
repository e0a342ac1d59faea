"""Amazon Rekognition Video: shots, technical cues, labels, objects, text, faces and moderation of
videos that lie in S3.

plugin.py is what the registry finds; analyses.py says what is asked for which kinds; calls.py,
results.py and source.py talk to AWS; the others read raw pages and touch nothing.
"""
