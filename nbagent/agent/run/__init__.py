"""The parts of one run of an agent, which the loop in `nbagent.agent.agent_loop` joins."""
