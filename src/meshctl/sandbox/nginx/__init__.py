"""A web server that obeys the few directives of nginx.conf that the labs' configurations use."""
