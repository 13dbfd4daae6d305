# Runs ONE and OTHER, which are to print the same.
foreach(program IN ITEMS ONE OTHER)
  execute_process(COMMAND "${${program}}" OUTPUT_VARIABLE said_${program} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
message("${said_ONE}")
if(NOT said_ONE STREQUAL said_OTHER OR said_ONE STREQUAL "")
  message(FATAL_ERROR "${ONE} printed ${said_ONE}, ${OTHER} ${said_OTHER}")
endif()
