using System.Text;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity.Generator;

/// <summary>
/// Makes a file system and lives through its rounds: random operations on a few subvolumes, then a read-only snapshot of
/// each that changed; between the rounds it remounts, branches off older snapshots, or frees inode numbers for reuse.
/// </summary>
internal sealed class StateBuilder : IDisposable
{
    private readonly SeededRandom _random;
    private readonly Session _session;
    private readonly TestFileSystem _fileSystem;
    private readonly List<SnapshotRecord> _records = [];
    private bool _hasNamelessFilesInSent;
    private int _names;

    public StateBuilder(ulong seed, string directory, Func<StateOptions, StateOptions>? adjust = null)
    {
        _random = new SeededRandom(seed);
        Options = StateOptions.Choose(seed, _random);
        Options = adjust?.Invoke(Options) ?? Options;
        Log = new OperationLog();
        Log.Note($"seed {seed}: {Options}");
        _session = new Session(_random, Options, Log);
        _fileSystem = new TestFileSystem(Options, directory, _random, Log);
    }

    private sealed record SnapshotRecord(Snapshot Snapshot, SubvolumeModel Model);

    public StateOptions Options { get; }

    public OperationLog Log { get; }

    public IReadOnlyList<string> Images => _fileSystem.Images;

    public IReadOnlyList<Snapshot> Snapshots => [.. _records.Select(record => record.Snapshot)];

    public int TopLevel => _fileSystem.TopLevel;

    public void Run()
    {
        _fileSystem.Make();
        Syscall.Mkdir(TopLevel, "snapshots"u8, 0x1ED);
        int subvolumes = _random.Percent(40) ? _random.Between(2, 3) : 1;
        for (int lineage = 0; lineage < subvolumes; lineage++)
            AddSubvolume(lineage);
        if (_random.Percent(15))
            TakeSnapshots();

        for (int round = 0; round < Options.Rounds; round++)
        {
            Log.Note($"-- round {round}");
            // Late in the round, or too little of the bulk survives until the snapshot.
            int bulkAt = round == 0 || _random.Percent(20) ? _random.Between(Options.OperationsPerRound / 2, Options.OperationsPerRound - 1) : -1;
            for (int operation = 0; operation < Options.OperationsPerRound; operation++)
            {
                _session.Current = _random.Percent(75) ? _session.Subvolumes[0] : _random.Pick(_session.Subvolumes);
                OperationTable.Step(_session);
                if (operation == bulkAt)
                    MakeBulk();
            }

            TakeSnapshots();
            if (round < Options.Rounds - 1)
                Intermission();
        }

        if (_random.Percent(15))
            SetLiveSubvolumeReadOnly();
        if (_random.Percent(8))
            Log.Call("set the default subvolume", BtrfsIoctl.SetDefaultSubvolume(TopLevel, BtrfsIoctl.SubvolumeId(_session.Subvolumes[0].Root)));

        // The images must not change between the kernel's sends and ours. Nameless files that go away at unmount and half-dropped
        // trees both have references to extents, which clone detection counts.
        if (!_hasNamelessFilesInSent)
            _session.CloseFiles();
        DeletedSubvolumes.WaitUntilGone(TopLevel);
    }

    /// <summary>Unmounts. Where files without a name are still open in a sent subvolume, the images are copied first.</summary>
    public void Finish()
    {
        // Closing such a file changes the subvolume, read-only or not: the sender must see it as the kernel did.
        if (_fileSystem.IsMounted && _hasNamelessFilesInSent && _session.OpenFiles.Count > 0)
            _fileSystem.CopyImagesWhileFrozen();
        Dispose();
    }

    public void Dispose()
    {
        _session.Dispose();
        _fileSystem.Dispose();
    }

    private void AddSubvolume(int lineage)
    {
        string name = $"sub{lineage}";
        KernelException.Check(BtrfsIoctl.CreateSubvolume(TopLevel, Encoding.ASCII.GetBytes(name)), $"create subvolume {name}");
        _session.Subvolumes.Add(new WorkingSubvolume(name, TopLevel, new SubvolumeModel { Lineage = lineage }, Log));
        _session.Current = _session.Subvolumes[^1];
    }

    private void MakeBulk()
    {
        string mix = Options.Mix.Name;
        if (mix == "links" || _random.Percent(6))
        {
            for (int i = 0; i < 10; i++)
                NameOperations.Create(_session);
            // Enough names in one directory for extended references; with the largest nodes that would take thousands.
            BulkOperations.LinkManyTimes(_session, Options.NodeSizeBytes switch { 4096 => 330, 16384 => 900, _ => 60 });
        }

        if (mix == "deep" && _random.Percent(80))
            GrowLongPath();
        if (_random.Percent(mix == "clones" ? 40 : 3))
            CloneOperations.MakeManyReferences(_session);
    }

    // Up to a few bytes short of PATH_MAX, rarely beyond it: the kernel then refuses to send.
    private void GrowLongPath()
    {
        bool tooLong = _random.Percent(12);
        ReshapeOperations.GrowDeep(_session, tooLong ? 16 : _random.Between(12, 14), 255);
        Node deepest = _session.Model.Directories.MaxBy(directory => SubvolumeModel.PathOf(directory).Sum(name => name.Length + 1))!;
        if (tooLong || _random.Percent(50))
            _session.Current.MakeFile(deepest, _session.Names.Filled(_random.Between(100, 255)));
    }

    private void TakeSnapshots()
    {
        for (int i = 0; i < _session.Subvolumes.Count; i++)
        {
            if (i > 0 && _random.Percent(40))
                continue;
            _session.Current = _session.Subvolumes[i];
            switch (_random.Below(4))
            {
                case 0:
                    BtrfsIoctl.Sync(TopLevel);
                    break;
                case 1:
                    Syscall.SyncFileSystem(TopLevel);
                    break;
            }

            if (_random.Percent(80))
                TakeReadOnlySnapshot(_session.Current);
            else
                TakeSnapshotThatIsFinishedLater(_session.Current);
        }
    }

    private void TakeReadOnlySnapshot(WorkingSubvolume source)
    {
        string path = NextSnapshotPath();
        if (_session.OpenFiles.Count > 0)
            Log.Coverage.Count("state: snapshot while nameless files are open");
        if (_fileSystem.Snapshot(source.Root, path, readOnly: true))
            _records.Add(new SnapshotRecord(new Snapshot(path, source.Model.Lineage), source.Model.Clone()));
    }

    // Written to after its creation and only then set read-only, often with data that no transaction has seen yet.
    private void TakeSnapshotThatIsFinishedLater(WorkingSubvolume source)
    {
        string path = NextSnapshotPath();
        if (!_fileSystem.Snapshot(source.Root, path, readOnly: false))
            return;
        using WorkingSubvolume copy = new(path, TopLevel, source.Model.Clone(), Log);
        _session.Subvolumes.Add(copy);
        _session.Current = copy;
        int nameless = _session.OpenFiles.Count;
        int operations = _random.Between(0, 12);
        for (int i = 0; i < operations; i++)
            OperationTable.Step(_session);
        _session.Subvolumes.Remove(copy);
        _hasNamelessFilesInSent |= _session.OpenFiles.Count > nameless;
        if (_random.Percent(40))
            Log.Call($"set received {path}", BtrfsIoctl.SetReceived(copy.Root, _random.Bytes(16), (ulong)_random.Between(1, 1000)));
        int result = BtrfsIoctl.SetReadOnly(copy.Root, readOnly: true);
        Log.Call($"set read-only {path}", result);
        if (result >= 0)
            _records.Add(new SnapshotRecord(new Snapshot(path, source.Model.Lineage), copy.Model));
    }

    // What may happen between a snapshot and the next round of operations.
    private void Intermission()
    {
        switch (_random.Below(20))
        {
            case < 5:
                RemoveHighestInodes();
                BranchFrom(0, _session.Subvolumes[0].Root, _session.Subvolumes[0].Model.Clone());
                break;
            case < 8:
                if (_random.Percent(60))
                    RemoveHighestInodes();
                Remount();
                break;
            case < 11 when _records.Count > 0:
                SnapshotRecord record = _random.Pick(_records);
                using (Descriptor source = _fileSystem.Open(record.Snapshot.Path))
                    BranchFrom(0, source.Value, record.Model.Clone());
                break;
            case 11 when _records.Count > 2:
                SnapshotRecord doomed = _random.Pick(_records);
                if (_fileSystem.RemoveSubvolume(doomed.Snapshot.Path))
                    _records.Remove(doomed);
                break;
            case 12 or 13:
                _session.CloseFiles();
                break;
            case 14:
                // Moves every extent and tree block, and turns many references into those that name their parent block.
                Log.Call("balance", BtrfsIoctl.Balance(TopLevel));
                break;
        }
    }

    // A new root hands out inode numbers from the highest one it still has: what was removed here comes back as something else.
    private void RemoveHighestInodes()
    {
        _session.Current = _session.Subvolumes[0];
        _session.CloseFiles();
        SubvolumeModel model = _session.Model;
        int count = _random.Between(1, 8);
        foreach (Node node in model.Entries.Select(entry => entry.Target).Distinct().OrderByDescending(node => node.Inode).Take(count).ToArray())
        {
            if (node.Locked)
                AttributeOperations.Unlock(_session, node);
            foreach (Entry link in node.Links.ToArray())
                _session.Current.RemoveTree(link);
        }
    }

    private void BranchFrom(int index, int source, SubvolumeModel model)
    {
        string path = $"branch{_names++}";
        if (!_fileSystem.Snapshot(source, path, readOnly: false))
            return;
        Log.Coverage.Count("state: branched");
        WorkingSubvolume old = _session.Subvolumes[index];
        _session.Subvolumes[index] = new WorkingSubvolume(path, TopLevel, model, Log);
        _session.Current = _session.Subvolumes[index];
        old.Dispose();
        if (_random.Percent(30))
        {
            _session.CloseFiles();
            _fileSystem.RemoveSubvolume(old.Path);
        }
    }

    private void Remount()
    {
        _session.CloseFiles();
        foreach (WorkingSubvolume subvolume in _session.Subvolumes)
            subvolume.Dispose();
        _fileSystem.Remount();
        foreach (WorkingSubvolume subvolume in _session.Subvolumes)
            subvolume.Reopen(TopLevel);
    }

    private void SetLiveSubvolumeReadOnly()
    {
        WorkingSubvolume live = _session.Subvolumes[0];
        int result = BtrfsIoctl.SetReadOnly(live.Root, readOnly: true);
        Log.Call($"set read-only {live.Path}", result);
        if (result < 0)
            return;
        _hasNamelessFilesInSent |= _session.OpenFiles.Count > 0;
        Log.Coverage.Count(_session.OpenFiles.Count > 0 ? "state: live subvolume with open nameless files sent" : "state: live subvolume sent");
        _records.Add(new SnapshotRecord(new Snapshot(live.Path, live.Model.Lineage), live.Model));
    }

    private string NextSnapshotPath()
    {
        string name = $"snap{_names++}";
        return _random.Below(10) switch
        {
            0 or 1 => "snapshots/" + name,
            2 => $"{_session.Subvolumes[0].Path}/{name}",
            _ => name,
        };
    }
}
