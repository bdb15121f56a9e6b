using Btrfs.Crash.Images;
using Btrfs.Crash.Kernel;
using Btrfs.Crash.Models;
using Btrfs.Crash.Workloads;
using Btrfs.Delalloc;
using Btrfs.Engine;
using Btrfs.Fidelity.Devices;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Crash.Running;

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

    // How often what shall fail was come to.
    private Func<long> _calls = static () => 0;

    // From when on the power may fail.
    private int _begin;
    private string _where = "";
    private Promises _promises = new();

    /// <summary>Whether the last workload came to the fault that was planted.</summary>
    public bool IsFaultHit => options.Fault is { } fault && _calls() > fault.Number;

    /// <summary>Whether the fault that was planted has ended a workload.</summary>
    public bool Failed { get; private set; }

    // A write that one device refuses is borne where another has a copy.
    private bool AllCopiesAreWritten => options.Fault is null;

    // A power cut can leave parity behind its data (the write hole), and nothing mends it before a scrub: what is rebuilt from it is wrong then.
    private bool AllCopiesAreRight => AllCopiesAreWritten && !template.HasParity;

    // Where a device is lost, its bytes are in the parity alone: a cut between the writes of a full stripe takes them, and that hole is known. So then power
    // fails at flushes only, with all written.
    private bool IsCutBetweenWrites => !(template.HasParity && options.Fault is { Kind: FaultKind.Write or FaultKind.Flush });

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
            throw new CrashFailure($"template {template.Name}, seed {seed}{(options.Fault is { } fault ? $", {fault}" : "")}, {_where}: {(error is CrashFailure ? error.Message : error.ToString())}", error);
        }
    }

    private Disks RunStage(Disks disks)
    {
        string stage = _where;
        (SuperblockVersion first, FileSystemModel before) = StateJudge.Read(disks, checkData: false);
        CrashRecorder recorder = new();
        _begin = 0;
        _promises = new Promises();
        Dictionary<ulong, FileSystemModel> live = Work(disks, recorder);
        IReadOnlyList<DeviceEvent> events = recorder.Events;
        HashSet<ulong>[] pages = PagesOf(disks, events);
        SuperblockTimes times = new(events, first, StateJudge.CountTakers(disks));

        // By their order: what a crash may leave as the last one.
        FileSystemModel[] versions = new FileSystemModel[times.Versions.Count];
        versions[0] = before;
        (int oldest, _) = times.At(_begin);
        for (int index = Math.Max(oldest, 1); index < versions.Length; index++)
        {
            (SuperblockVersion version, int begun) = times.Versions[index];
            _where = $"{stage}, version {index}, {version}";
            Disks whole = new(recorder.CrashAt(begun, static writes => writes), pages);
            versions[index] = ReadVersion(whole, version, live);
        }

        foreach (ulong generation in live.Keys.Where(generation => !times.Versions.Any(version => version.Version.Generation == generation)))
            throw new CrashFailure($"commit {generation} came back and wrote no superblock");
        JudgePromises(times, versions);

        HashSet<string> seen = [];
        for (int time = _begin; time <= events.Count; time++)
        {
            if (time == events.Count || events[time].Write is null)
            {
                foreach (PowerCutKind kind in Kinds())
                {
                    _where = $"{stage}, time {time}, {kind}";
                    CutPower(recorder, time, kind, pages, times, versions, seen);
                }
            }
        }

        _where = $"{stage}, choice of the next";
        int next = _random.Next(events.Count + 1);
        if (IsCutBetweenWrites)
            return new Disks(recorder.CrashAt(next, _random), pages);

        while (next < events.Count && events[next].Write is not null)
            next++;
        return new Disks(recorder.CrashAt(next, static writes => writes), pages);
    }

    /// <summary>Runs the workload, and returns what it saw itself at its commits.</summary>
    private Dictionary<ulong, FileSystemModel> Work(Disks disks, CrashRecorder recorder)
    {
        Dictionary<ulong, FileSystemModel> live = [];
        IBlockDevice[] devices = [.. disks.Devices.Select((device, index) => Record(recorder, device, index))];
        if (options.Fault is null)
        {
            Work(recorder, devices, live);
            return live;
        }

        try
        {
            Work(recorder, devices, live);
        }
        catch (Exception error) when (error is IOException or BtrfsException)
        {
            Failed = true;
        }

        return live;
    }

    private void Work(CrashRecorder recorder, IBlockDevice[] devices, Dictionary<ulong, FileSystemModel> live)
    {
        string stage = _where;
        using BtrfsFileSystem fs = BtrfsFileSystem.Open(devices, new BtrfsOpenOptions { Writable = true, Delalloc = ChooseDelalloc() });
        PlantFullDisk(fs);
        Workload workload = new(fs, _random) { Synced = (path, outcome) => _promises.Add(fs, path, outcome, recorder.Now) };
        if (options.IsFull)
        {
            workload.Fill();
            _begin = recorder.Now;
        }

        int steps = _random.Next(1, options.Steps + 1);
        for (int step = 0; step < steps; step++)
        {
            _where = $"{stage}, step {step}";
            workload.Step();
            if (_random.Next(7) == 0)
            {
                Commit(fs);
                live[fs.Info.Superblock.Generation] = FileSystemModel.Read(fs);
            }
        }

        tally.AddWorkload(steps, live.Count, workload.Refused);
    }

    // With plenty of memory data waits for a commit, an fsync or a change that needs it on the disk; with little of it, it is written back amid the steps.
    private DelallocOptions ChooseDelalloc() => _random.Next(3) switch
    {
        0 => new DelallocOptions { MaxDirtyBytes = 128 << 10, BackgroundBytes = 32 << 10 },
        1 => new DelallocOptions { Expiry = TimeSpan.FromMilliseconds(1) },
        _ => new DelallocOptions(),
    };

    private void PlantFullDisk(BtrfsFileSystem fs)
    {
        if (options.Fault is not { Kind: FaultKind.Allocation } fault)
            return;

        long asked = 0;
        _calls = () => Volatile.Read(ref asked);
        fs.Writer.State.Allocator.FindsFull = () => fault.Hits(Interlocked.Increment(ref asked) - 1);
    }

    /// <summary>Commits. If that fails, no change is taken any more.</summary>
    private static void Commit(BtrfsFileSystem fs)
    {
        try
        {
            fs.Commit();
        }
        catch (NoSpaceException) when (fs.Writer.Failure is null)
        {
            // Told of data that found no room, once: the commit itself was made.
        }
        catch (Exception error) when (error is IOException or BtrfsException)
        {
            try
            {
                fs.CreateFile("after a commit that failed");
            }
            catch (ReadOnlyFileSystemException)
            {
                throw new IOException("a commit failed", error);
            }

            throw new CrashFailure($"takes changes after a commit failed: {error}", error);
        }
    }

    private IBlockDevice Record(CrashRecorder recorder, IBlockDevice device, int index)
    {
        IBlockDevice recording = recorder.Add(device);
        if (options.IgnoreBlockBarrier)
            return new BarrierlessDevice(recording);
        if (options.Fault is not { } fault || fault.Kind == FaultKind.Allocation || index > 0)
            return recording;

        DeviceCall call = fault.Kind switch
        {
            FaultKind.Write => DeviceCall.Write,
            FaultKind.Flush => DeviceCall.Flush,
            _ => DeviceCall.Read,
        };
        FaultyDevice faulty = new(recording) { FailingReadsFallShort = fault.Kind == FaultKind.ShortRead };
        faulty.Fail(call, fault.Number, fault.IsLasting ? long.MaxValue : 1);
        _calls = () => faulty.Calls(call);
        return faulty;
    }

    /// <summary>Reads a version that is whole. A commit must be what the workload saw.</summary>
    private FileSystemModel ReadVersion(Disks disks, SuperblockVersion version, Dictionary<ulong, FileSystemModel> live)
    {
        (SuperblockVersion actual, FileSystemModel model) = StateJudge.Read(disks, AllCopiesAreRight);
        if (actual.Generation != version.Generation || (AllCopiesAreWritten && actual != version))
            throw new CrashFailure($"opens as {actual}");
        if (version.LogRoot == 0 && live.TryGetValue(version.Generation, out FileSystemModel? expected) && expected.FindDifference(model) is { } difference)
            throw new CrashFailure($"the disk has not what the workload saw: {difference}");
        return model;
    }

    // What was synced is in the state that was the last one when the fsync came back, and so in whatever that state becomes after a crash.
    private void JudgePromises(SuperblockTimes times, FileSystemModel[] versions)
    {
        foreach (Promise promise in _promises.Made.Where(promise => promise.Time >= _begin))
        {
            int index = times.At(promise.Time).Least;
            if (promise.FindBroken(versions[index]) is { } broken)
                throw new CrashFailure($"version {index}, {times.Versions[index].Version}: {broken}");
        }

        tally.AddSyncs(_promises.Made.Count, _promises.Logged);
    }

    private void CutPower(
        CrashRecorder recorder, int time, PowerCutKind kind, HashSet<ulong>[] pages, SuperblockTimes times, FileSystemModel[] versions, HashSet<string> seen)
    {
        PowerCut cut = new(kind, _random);
        Disks left = new(recorder.CrashAt(time, cut.Survive), pages);
        if (!seen.Add($"{time} {cut.Outcome}"))
            return;

        _where += $" {cut.Outcome}";
        (SuperblockVersion version, FileSystemModel model) = StateJudge.Read(left, _random.Next(8) == 0 && AllCopiesAreRight);
        (int least, int most) = times.At(time);
        int[] candidates = [.. Enumerable.Range(least, most - least + 1).Where(index => times.Versions[index].Version == version)];
        if (candidates.Length == 0)
            throw new CrashFailure($"opens as {version}, not {string.Join(" or ", times.Versions.Take(least..(most + 1)).Select(allowed => allowed.Version))}");
        if (candidates.All(index => versions[index].FindDifference(model) is not null))
            throw new CrashFailure($"{version} has changed: {versions[candidates[^1]].FindDifference(model)}");

        bool hasPrimaries = StateJudge.HasPrimaries(left);
        tally.AddState(hasPrimaries);
        if (kernel is not null && hasPrimaries && _sample.Next(options.KernelEvery) == 0)
        {
            bool write = _sample.Next(WriteEvery) == 0;
            kernel.Judge(template.Name, left, model, version.LogRoot != 0, write);
            tally.AddKernelState(write);
        }
    }

    private IEnumerable<PowerCutKind> Kinds()
    {
        yield return PowerCutKind.AllSurvives;
        if (!IsCutBetweenWrites)
            yield break;

        yield return PowerCutKind.NothingSurvives;
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
