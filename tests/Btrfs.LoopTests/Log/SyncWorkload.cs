using System.Text;
using Btrfs.Engine;
using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.LoopTests.Replay;
using Btrfs.Sequences.Actors;
using Btrfs.Sequences.Operations;
using Btrfs.Sequences.Running;

namespace Btrfs.LoopTests.Log;

/// <summary>An image as a power cut right after an fsync of ours would leave it, and what must be found in it.</summary>
internal sealed record SyncedImage(string Path, Dictionary<string, string> Expected, string History);

/// <summary>Random changes through the engine, with fsyncs of random files and directories between them, and copies of the image after some.</summary>
internal sealed class SyncWorkload
{
    private static readonly string[] s_formats =
        ["", "", "-O ^no-holes", "-n 4096", "-n 4096 -O ^no-holes", "--mixed -n 4096", "--csum xxhash", "-O ^extref,^skinny-metadata", "-n 65536 --csum sha256", "-R ^free-space-tree"];

    /// <summary>Files are read as a whole, often.</summary>
    private const ulong MaxFileBytes = 4 << 20;

    private readonly SeededRandom _random;
    private readonly string _directory;
    private readonly string _image;
    private readonly PairOptions _options;
    private readonly Model _model = new();
    private readonly SyncedState _synced = new();
    private readonly List<string> _history = [];
    private readonly int[] _outcomes = new int[3];

    public SyncWorkload(ulong seed, string directory)
    {
        _random = new SeededRandom(seed);
        _directory = directory;
        _image = Path.Combine(directory, "image");
        CompressionType? compression = _random.Percent(25) ? _random.Pick([CompressionType.Zlib, CompressionType.Lzo, CompressionType.Zstd]) : null;
        _options = new PairOptions
        {
            MkfsArguments = [.. _random.Pick(s_formats).Split(' ', StringSplitOptions.RemoveEmptyEntries)],
            DeviceCount = 1,
            DeviceSizeBytes = 256 << 20,
            MountOptions = "",
            Compression = compression,
            Quota = Quota.None,
            FillsUp = false,
            UsesCompression = compression is not null || _random.Percent(20),
            Sequences = 1,
            OperationsPerSequence = 1,
        };
    }

    public string What => $"mkfs {string.Join(' ', _options.MkfsArguments)}, compression {_options.Compression}";

    public int Count(SyncOutcome outcome) => _outcomes[(int)outcome];

    /// <summary>Runs.</summary>
    public List<SyncedImage> Run()
    {
        using (FileStream file = File.Create(_image))
            file.SetLength(_options.DeviceSizeBytes);
        Directory.CreateDirectory(Path.Combine(_directory, "mount"));
        Tool.Run("mkfs.btrfs", ["-q", "-f", .. _options.MkfsArguments, _image]);

        List<SyncedImage> copies = [];
        using (EngineActor actor = new([_image], _options))
        {
            OperationSource source = new(_random, _model, _options);
            Change(actor, source, _random.Between(10, 150));
            actor.Commit();
            int rounds = _random.Between(6, 25);
            for (int round = 0; round < rounds; round++)
            {
                Change(actor, source, _random.Between(1, 10));
                for (int i = _random.Below(3); i >= 0; i--)
                    Sync(actor.FileSystem);
                if (_random.Percent(40) && LoggedImages.HasLog(_image))
                    copies.Add(Copy(actor.FileSystem, copies.Count));
            }
        }

        File.Delete(_image);
        return copies;
    }

    private void Change(EngineActor actor, OperationSource source, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Operation operation = _random.Percent(60) ? Narrow() : source.Next();
            if (operation.Verb is Verb.Reopen or Verb.WriteBack || (operation.Verb == Verb.Commit && _random.Percent(60)))
                continue;
            if (operation.Verb is Verb.Write or Verb.Truncate or Verb.Allocate or Verb.Clone && operation.Offset + operation.Length > MaxFileBytes)
                continue;
            ulong generation = actor.FileSystem.Writer.Committed.Superblock.Generation;
            bool wasDone = actor.Run(operation) >= 0;
            _history.Add($"{operation}{(wasDone ? "" : " (refused)")}");
            if (wasDone)
                _model.Apply(operation);
            if (actor.FileSystem.Writer.Committed.Superblock.Generation != generation)
                _synced.Clear();
        }
    }

    // Few names, so that they collide, come back and change places; and files that shrink and grow again and again.
    private Operation Narrow()
    {
        string path = AnyPath();
        ulong offset = (ulong)_random.Between(0, 160_000);
        return _random.Below(14) switch
        {
            0 or 1 => new Operation(Verb.Create, path, Value: 0x1A4),
            2 => new Operation(Verb.MakeDirectory, path, Value: 0x1ED),
            3 => new Operation(Verb.Link, path, AnyPath()),
            4 => new Operation(Verb.Unlink, path),
            5 => new Operation(Verb.RemoveDirectory, path),
            6 or 7 => new Operation(Verb.Rename, path, AnyPath(), Value: (ulong)_random.Pick([0, 0, 0, 1, 2])),
            8 => new Operation(Verb.Truncate, path, Length: offset),
            9 => new Operation(Verb.Allocate, path, Offset: offset, Length: (ulong)_random.Between(1, 60_000), Value: _random.Pick<ulong>([0, 1, 3, 3, 16, 17])),
            10 => new Operation(Verb.Clone, path, AnyPath(), Offset: offset / 4096 * 4096, Length: (ulong)_random.Between(0, 12) * 4096, Value: (ulong)_random.Between(0, 40) * 4096),
            11 => new Operation(Verb.SetXattr, path, $"user.x{_random.Below(4)}", Length: (ulong)_random.Below(40), Value: _random.NextULong()),
            _ => new Operation(Verb.Write, path, Offset: offset, Length: (ulong)_random.Between(1, 30_000), Value: _random.NextULong()),
        };
    }

    private string AnyPath()
    {
        string name = $"n{_random.Below(7)}";
        List<string> directories = [.. _model.All.Where(entry => entry.Node.Kind == Sequences.Operations.NodeKind.Directory && entry.Path.Contains('n')).Select(entry => entry.Path).Take(3)];
        return directories.Count > 0 && _random.Percent(60) ? $"{_random.Pick(directories)}/{name}" : name;
    }

    private void Sync(BtrfsFileSystem fs)
    {
        List<string> paths = [.. _model.All.Where(entry => entry.Node.Kind is not Sequences.Operations.NodeKind.Stub).Select(entry => entry.Path)];
        if (paths.Count == 0)
            return;

        // What has just been changed is of more interest than the rest.
        string path = _random.Pick(paths);
        if (_random.Percent(60) && paths.FindLast(candidate => _history.TakeLast(6).Any(line => line.Contains(' ' + candidate, StringComparison.Ordinal))) is { } recent)
            path = recent;
        ulong generation = fs.Writer.Committed.Superblock.Generation;
        SyncOutcome outcome = fs.Fsync(new FsPath(Encoding.Latin1.GetBytes(path)));
        _history.Add($"fsync {path}: {outcome}");
        _outcomes[(int)outcome]++;

        // Where nothing was new, a directory above may still have got another name since: as with the kernel, no fsync below tells of that.
        if (fs.Writer.Committed.Superblock.Generation != generation)
            _synced.Clear();
        else if (outcome == SyncOutcome.Logged)
            _synced.Add("/" + path, fs.Writer.Running);
    }

    private SyncedImage Copy(BtrfsFileSystem fs, int number)
    {
        string copy = Path.Combine(_directory, $"copy{number}");
        SparseFile.Copy(_image, copy);
        return new SyncedImage(copy, _synced.Expect(fs.Writer.Running), string.Join('\n', _history.TakeLast(80)));
    }
}
