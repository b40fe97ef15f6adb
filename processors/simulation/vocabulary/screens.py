"""Screens that everybody has: windows that say nothing of the work, and what isn't work at all."""

GENERIC = (
    ("OUTLOOK.EXE", "Inbox - Outlook"),
    ("OUTLOOK.EXE", "Calendar - Outlook"),
    ("WINWORD.EXE", "Document2 - Word"),
    ("EXCEL.EXE", "Book1 - Excel"),
    ("explorer.exe", "Downloads"),
    ("explorer.exe", "File Explorer"),
    ("chrome.exe", "New Tab - Chrome"),
    ("Teams.exe", "Chat | Teams"),
    ("AcroRd32.exe", "scan0001.pdf - Reader"),
    ("notepad.exe", "Untitled - Notepad"),
)

NOISE = (
    ("LockApp.exe", "Windows Default Lock Screen", ""),
    ("LockApp.exe", "Screen saver", ""),
    ("chrome.exe", "Local news and weather", "https://news.test/"),
    ("chrome.exe", "Football results", "https://sport.test/results"),
    ("Spotify.exe", "Afternoon playlist", ""),
    ("chrome.exe", "Train connections", "https://trains.test/"),
    ("chrome.exe", "Recipes for the weekend", "https://recipes.test/"),
)

ADMIN = ("Team lunch", "Timesheet reminder", "Office move: boxes", "Weekly team meeting", "IT: please restart")
"""Inner work that looks like client work: it belongs to no client's matter."""

CHATS = ("Have you seen the new version?", "Can I call you?", "Thanks, will do.", "Which number is right?", "5 min?")
