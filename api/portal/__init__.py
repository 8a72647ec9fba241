"""The portal: server-rendered pages in Chinese and English that work without JavaScript."""
