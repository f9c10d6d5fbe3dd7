/**
 * How the embedded server is set up: for a small machine (two cores, a few GB) that posts all day in short
 * transactions. Given on the command line, so that a newer version's settings reach older data folders.
 */

const always = {
  // nobody but this machine; no socket file, whose path would be limited to 107 bytes
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // short statements: compiling and parallel workers cost more than they give, and would take cores from tills
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  random_page_cost: '1.1',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
}

const durable = {
  // lanes, readers, jobs and a few command lines beside them
  max_connections: '100',
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  // after each checkpoint whole pages go to the log: checkpoints seldom, and the pages compressed
  wal_compression: 'pglz',
  max_wal_size: '2GB',
  min_wal_size: '256MB',
  checkpoint_timeout: '15min',
  checkpoint_completion_target: '0.9',
  wal_buffers: '16MB',
  // look often and clean quickly; how much there has to be is the server's own measure, since updates in place
  // clear up their page themselves, and reading tables over for less takes a core from tills
  autovacuum_naptime: '20s',
  autovacuum_vacuum_cost_limit: '1000',
}

/** For tests only: everything in memory, nothing survives a crash. */
const fast = {
  max_connections: '200',
  shared_buffers: '128MB',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '1GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  deadlock_timeout: '100ms',
  // in the data folder, so that nothing stays in /dev/shm after a server that a test killed
  dynamic_shared_memory_type: 'mmap',
}

/** `-c name=value …` for the server's command line. */
export function settingsFor(forTests: boolean): string[] {
  const settings = { ...always, ...(forTests ? fast : durable) }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
