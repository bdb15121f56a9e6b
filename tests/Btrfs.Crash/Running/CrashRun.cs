using Btrfs.Crash.Images;
using Btrfs.Crash.Kernel;
using Btrfs.Crash.Models;
using Btrfs.Crash.Workloads;
using Btrfs.Engine;
using Btrfs.Fidelity.Devices;
using Btrfs.Storage;

namespace Btrfs.Crash.Running;

/// <summary>How a run goes about it.</summary>
internal sealed record CrashOptions
{
    /// <summary>States at each flush, at most: where few writes wait, there are fewer.</summary>
    public int StatesPerFlush { get; init; } = 12;

    /// <summary>Workloads one after the other, each on what a power cut has left of the one before.</summary>
    public int Stages { get; init; } = 2;

    /// <summary>Steps of a workload, at most.</summary>
    public int Steps { get; init; } = 40;

    /// <summary>Of how many states one is judged by Linux too.</summary>
    public int KernelEvery { get; init; } = 5;

    /// <summary>The fault that must be found: devices that take the flush between the blocks and the superblock for nothing.</summary>
    public bool IgnoreBlockBarrier { get; init; }
}

/// <summary>
/// One seed: a workload over devices that record, then at each flush the states that a power cut there can leave, each judged; then the next
/// workload on one of them.
/// </summary>
/// <param name="template">What the first workload begins with.</param>
/// <param name="seed">Tells all random choices.</param>
/// <param name="options">How.</param>
/// <param name="tally">Counts.</param>
/// <param name="kernel">Judges some of the states; null for none.</param>
internal sealed class CrashRun(Template template, int seed, CrashOptions options, Tally tally, KernelJudge? kernel)
{
    /// <summary>Of how many states that Linux judges it goes on writing to one.</summary>
    private const int WriteEvery = 8;

    private readonly Random _random = new(seed);

    // Apart, so that a seed is the same with and without Linux.
    private readonly Random _sample = new(seed);
    private string _where = "";

    /// <summary>Runs all stages.</summary>
    /// <exception cref="CrashFailure">A state was not as it must be: the message has all that is needed to see it again.</exception>
    public void Run()
    {
        try
        {
            Disks disks = Disks.Of(template);
            for (int stage = 0; stage < options.Stages; stage++)
            {
                _where = $"stage {stage}";
                disks = RunStage(disks);
            }
        }
        catch (Exception error)
        {
            throw new CrashFailure($"template {template.Name}, seed {seed}, {_where}: {(error is CrashFailure ? error.Message : error.ToString())}", error);
        }
    }

    private Disks RunStage(Disks disks)
    {
        string stage = _where;
        (ulong first, FileSystemModel before) = StateJudge.Read(disks, checkData: false);
        CrashRecorder recorder = new();
        Dictionary<ulong, FileSystemModel> live = Work(disks, recorder);
        IReadOnlyList<DeviceEvent> events = recorder.Events;
        HashSet<ulong>[] pages = PagesOf(disks, events);
        CommitTimes commits = new(events, first);

        Dictionary<ulong, FileSystemModel> committed = new() { [first] = before };
        foreach ((ulong generation, int begun) in commits.Commits)
        {
            _where = $"{stage}, commit {generation}";
            Disks whole = new(recorder.CrashAt(begun, static writes => writes), pages);
            committed[generation] = ReadCommit(whole, generation, live);
        }

        foreach (ulong generation in live.Keys.Where(generation => !committed.ContainsKey(generation)))
            throw new CrashFailure($"commit {generation} came back and wrote no superblock");

        HashSet<string> seen = [];
        for (int time = 0; time <= events.Count; time++)
        {
            if (time == events.Count || events[time].Write is null)
            {
                foreach (PowerCutKind kind in Kinds())
                {
                    _where = $"{stage}, time {time}, {kind}";
                    CutPower(recorder, time, kind, pages, commits.At(time), committed, seen);
                }
            }
        }

        _where = $"{stage}, choice of the next";
        return new Disks(recorder.CrashAt(_random.Next(events.Count + 1), _random), pages);
    }

    /// <summary>Runs the workload, and returns what it saw itself at its commits.</summary>
    private Dictionary<ulong, FileSystemModel> Work(Disks disks, CrashRecorder recorder)
    {
        string stage = _where;
        Dictionary<ulong, FileSystemModel> live = [];
        IBlockDevice[] devices = [.. disks.Devices.Select(device => Record(recorder, device))];
        BtrfsFileSystem fs = BtrfsFileSystem.Open(devices, new BtrfsOpenOptions { Writable = true });
        Workload workload = new(fs, _random);
        int steps = _random.Next(1, options.Steps + 1);
        try
        {
            for (int step = 0; step < steps; step++)
            {
                workload.Step();
                _where = $"{stage}, step {step} ({workload.LastStep})";
                if (_random.Next(7) == 0)
                {
                    fs.Commit();
                    live[fs.Info.Superblock.Generation] = FileSystemModel.Read(fs);
                }
            }
        }
        finally
        {
            fs.Dispose();
        }

        if (fs.Writer.Failure is not (null or ObjectDisposedException))
            throw new CrashFailure($"the workload failed: {fs.Writer.Failure}");
        tally.AddWorkload(steps, live.Count);
        return live;
    }

    private IBlockDevice Record(CrashRecorder recorder, IBlockDevice device) =>
        options.IgnoreBlockBarrier ? new BarrierlessDevice(recorder.Add(device)) : recorder.Add(device);

    /// <summary>Reads a commit that is whole, which must be what the workload saw.</summary>
    private static FileSystemModel ReadCommit(Disks disks, ulong generation, Dictionary<ulong, FileSystemModel> live)
    {
        (ulong actual, FileSystemModel model) = StateJudge.Read(disks, checkData: true);
        if (actual != generation)
            throw new CrashFailure($"opens as commit {actual}");
        if (live.TryGetValue(generation, out FileSystemModel? expected) && expected.FindDifference(model) is { } difference)
            throw new CrashFailure($"the disk has not what the workload saw: {difference}");
        return model;
    }

    private void CutPower(
        CrashRecorder recorder, int time, PowerCutKind kind, HashSet<ulong>[] pages, (ulong Least, ulong Most) allowed,
        Dictionary<ulong, FileSystemModel> committed, HashSet<string> seen)
    {
        PowerCut cut = new(kind, _random);
        Disks left = new(recorder.CrashAt(time, cut.Survive), pages);
        if (!seen.Add($"{time} {cut.Outcome}"))
            return;

        _where += $" {cut.Outcome}";
        (ulong generation, FileSystemModel model) = StateJudge.Read(left, checkData: _random.Next(8) == 0);
        if (generation < allowed.Least || generation > allowed.Most)
            throw new CrashFailure($"opens as commit {generation}, not {allowed.Least} to {allowed.Most}");
        if (committed[generation].FindDifference(model) is { } difference)
            throw new CrashFailure($"commit {generation} has changed: {difference}");

        bool hasPrimaries = StateJudge.HasPrimaries(left);
        tally.AddState(hasPrimaries);
        if (kernel is not null && hasPrimaries && _sample.Next(options.KernelEvery) == 0)
        {
            bool write = _sample.Next(WriteEvery) == 0;
            kernel.Judge(template.Name, left, committed[generation], write);
            tally.AddKernelState(write);
        }
    }

    private IEnumerable<PowerCutKind> Kinds()
    {
        yield return PowerCutKind.NothingSurvives;
        yield return PowerCutKind.AllSurvives;
        int kinds = Enum.GetValues<PowerCutKind>().Length;
        for (int i = 2; i < options.StatesPerFlush; i++)
            yield return (PowerCutKind)_random.Next(2, kinds);
    }

    private static HashSet<ulong>[] PagesOf(Disks disks, IReadOnlyList<DeviceEvent> events)
    {
        HashSet<ulong>[] pages = [.. disks.Pages.Select(set => set.ToHashSet())];
        foreach ((int device, DeviceWrite? write) in events)
        {
            if (write is not { } data)
                continue;

            ulong end = data.Offset + (ulong)data.Data.Length;
            for (ulong offset = data.Offset - (data.Offset % PageDevice.PageSize); offset < end; offset += PageDevice.PageSize)
                pages[device].Add(offset);
        }

        return pages;
    }
}
