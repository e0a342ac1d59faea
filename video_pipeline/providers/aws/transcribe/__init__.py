"""Amazon Transcribe: words, speakers and languages of videos that lie in S3.

plugin.py is what the registry finds; request.py says what is asked, and what would be refused;
polling.py and objects.py talk to AWS; pages.py and words.py read raw pages and touch nothing.
"""
