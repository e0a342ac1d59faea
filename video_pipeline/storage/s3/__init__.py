"""Object stores in S3 buckets, through boto3."""
