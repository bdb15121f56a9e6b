namespace Btrfs.Crash.Running;

/// <summary>What a campaign has done so far. For all threads.</summary>
internal sealed class Tally
{
    private long _workloads;
    private long _steps;
    private long _refused;
    private long _commits;
    private long _syncs;
    private long _logged;
    private long _states;
    private long _torn;
    private long _kernelStates;
    private long _kernelWrites;

    public long Workloads => Interlocked.Read(ref _workloads);

    /// <summary>Steps that ended in an error, as they should: no room, or nothing there.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Fsyncs that wrote a log.</summary>
    public long Logged => Interlocked.Read(ref _logged);

    /// <summary>States that were opened, checked and compared in process. None is counted twice within a workload.</summary>
    public long States => Interlocked.Read(ref _states);

    /// <summary>Of these the ones whose newest superblock was torn in its primary place: Linux refuses those, and was not asked.</summary>
    public long WithoutPrimary => Interlocked.Read(ref _torn);

    /// <summary>Of these the ones that btrfs check and a kernel mount have judged too.</summary>
    public long KernelStates => Interlocked.Read(ref _kernelStates);

    /// <summary>Of these the ones that the kernel has gone on writing to.</summary>
    public long KernelWrites => Interlocked.Read(ref _kernelWrites);

    public void AddWorkload(int steps, int commits, int refused)
    {
        Interlocked.Add(ref _refused, refused);
        Interlocked.Increment(ref _workloads);
        Interlocked.Add(ref _steps, steps);
        Interlocked.Add(ref _commits, commits);
    }

    /// <summary>Adds the fsyncs of a workload, and how many of them wrote a log.</summary>
    public void AddSyncs(int syncs, int logged)
    {
        Interlocked.Add(ref _syncs, syncs);
        Interlocked.Add(ref _logged, logged);
    }

    public void AddState(bool hasPrimary)
    {
        Interlocked.Increment(ref _states);
        if (!hasPrimary)
            Interlocked.Increment(ref _torn);
    }

    public void AddKernelState(bool wasWritten)
    {
        Interlocked.Increment(ref _kernelStates);
        if (wasWritten)
            Interlocked.Increment(ref _kernelWrites);
    }

    public override string ToString() =>
        $"{Workloads} workloads ({_steps} steps, {_refused} of them refused, {_commits} commits, {Interlocked.Read(ref _syncs)} fsyncs of which {Logged} wrote a log), {States} crash states judged in process ({WithoutPrimary} with a torn primary superblock), {KernelStates} of them by Linux ({KernelWrites} written to by it)";
}
