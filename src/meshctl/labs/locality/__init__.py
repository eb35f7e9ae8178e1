"""Locality load balancing: the course's labs on localityLbSetting, one file each."""
