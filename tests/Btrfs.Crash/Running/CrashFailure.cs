namespace Btrfs.Crash.Running;

/// <summary>A state after a power cut, or a workload, that is not as it must be.</summary>
internal sealed class CrashFailure(string message, Exception? inner = null) : Exception(message, inner);
