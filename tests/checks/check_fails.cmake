# Runs CHECK on TREE, which has a fault of each kind: it has to name them all and to exit with 1.
execute_process(COMMAND "${PYTHON3}" "${CHECK}" WORKING_DIRECTORY "${TREE}" RESULT_VARIABLE result OUTPUT_VARIABLE said)
file(READ "${EXPECTED}" expected)
if(NOT result EQUAL 1)
  message(FATAL_ERROR "expected exit code 1, got ${result}")
elseif(NOT said STREQUAL expected)
  message(FATAL_ERROR "expected:\n${expected}got:\n${said}")
endif()
