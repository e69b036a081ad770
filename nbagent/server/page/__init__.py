"""The web page: runs and chats as a page's view shows them."""
