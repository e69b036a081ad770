"""Configurations of other systems' documentation, as they are printed there."""

HECTOR = {
    "enabling": """
        agents:
          assistant:
            reasoning:
              enable_streaming: true  # Enable streaming
        """,
    "tools": """
        agents:
          coder:
            reasoning:
              enable_streaming: true
            tools: ["write_file", "execute_command"]
        """,
    "sessions": """
        agents:
          assistant:
            reasoning:
              enable_streaming: true
            memory:
              working:
                strategy: "summary_buffer"
                budget: 4000
              longterm:

                storage_scope: "session"
        """,
    "options": """
        agents:
          assistant:
            reasoning:
              enable_streaming: true
              show_thinking: false       # Show internal reasoning
        """,
    "customization": """
        agents:
          custom:
            streaming:
              chunk_size: 10      # Characters per chunk
              delay_ms: 50        # Delay between chunks
              buffer_size: 1024   # Buffer size
        """,
    "chat": """
        agents:
          chatbot:
            reasoning:
              enable_streaming: true
            memory:
              working:
                strategy: "buffer_window"
                window_size: 20
        """,
    "support": """
        agents:
          support:
            reasoning:
              enable_streaming: true
            tools: ["search", "agent_call"]
        """,
    "code": """
        agents:
          coder:
            reasoning:
              enable_streaming: true
              show_thinking: true  # Show reasoning process
            tools: ["write_file", "execute_command", "search"]
        """,
    "practices": """
        # ✅ Good: Streaming for interactive apps
        agents:
          fast:
            reasoning:
              enable_streaming: true
        """,
    "bad practices": """
        # ❌ Bad: Streaming disabled for interactive apps
        agents:
          slow:
            reasoning:
              enable_streaming: false  # Users wait for complete response
        """,
}
"""Hector's, on its page about streaming."""
