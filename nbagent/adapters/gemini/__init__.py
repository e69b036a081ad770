"""Google Gemini: `generateContent` and Interactions."""
