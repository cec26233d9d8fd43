"""What every HTTP application shares: problems and security headers."""
