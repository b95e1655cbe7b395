#!/usr/bin/python3
"""The WebKit that the tests drive by WebDriver, a window a tab: unlike WebKitGTK's own MiniBrowser it
keeps its data when it is given a folder for them, so that it can be killed and started again."""
import sys

import gi

gi.require_version('Gtk', '3.0')
gi.require_version('WebKit2', '4.1')
from gi.repository import Gtk, WebKit2

# WebDriver adds arguments of its own.
profile = next((text[10:] for text in sys.argv if text.startswith('--profile=')), None)
if profile:
    data = WebKit2.WebsiteDataManager(base_data_directory=profile, base_cache_directory=profile)
else:
    data = WebKit2.WebsiteDataManager.new_ephemeral()
context = WebKit2.WebContext.new_with_website_data_manager(data)


def open_window(view):
    window = Gtk.Window(default_width=1000, default_height=800)
    window.add(view)
    view.connect('close', lambda _: window.destroy())
    view.connect('create', lambda opener, _: open_window(create_view(opener)))
    window.show_all()
    return view


def create_view(opener=None):
    origin = {'related_view': opener} if opener else {'web_context': context}
    view = WebKit2.WebView(is_controlled_by_automation=True, **origin)
    view.get_settings().set_enable_page_cache('--no-page-cache' not in sys.argv)
    return view


def start(_, session):
    first = []

    # All in one process, which outlives a window: on a busy machine WebKitGTK ends that of a last
    # window before, or in the middle of, its `pagehide`.
    def open_another(_):
        view = open_window(create_view(*first))
        first[:] = first or [view]
        return view

    session.connect('create-web-view', open_another)


context.connect('automation-started', start)
context.set_automation_allowed(True)
Gtk.main()
