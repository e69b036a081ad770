"""Streams of Vercel's AI SDK before version 5."""
