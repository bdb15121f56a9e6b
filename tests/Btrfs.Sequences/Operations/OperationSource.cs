using System.Globalization;
using Btrfs.Fidelity.Generator;
using Btrfs.Sequences.Running;

namespace Btrfs.Sequences.Operations;

/// <summary>Draws operations that mostly make sense, and some that are to be refused.</summary>
internal sealed class OperationSource
{
    private const ulong Sector = 4096;
    private const ulong Mebibyte = 1 << 20;

    /// <summary>The header of a leaf, and those of two items and two entries.</summary>
    private const ulong XattrOverhead = 101 + 2 * (25 + 30);

    private readonly SeededRandom _random;
    private readonly Model _model;
    private readonly PairOptions _options;
    private readonly List<(int Weight, Func<Operation?> Draw)> _table;
    private readonly int _totalWeight;

    public OperationSource(SeededRandom random, Model model, PairOptions options)
    {
        _random = random;
        _model = model;
        _options = options;
        _table =
        [
            (70, () => Make(Verb.Create, 0x1A4)),
            (40, () => Make(Verb.MakeDirectory, 0x1ED)),
            (10, MakeNode),
            (14, () => new Operation(Verb.MakeSymbolicLink, NewPath(), new string('t', _random.Pick([1, 7, 60, 500, 2000])))),
            (22, () => On(NodeKind.File, path => new Operation(Verb.Link, path, NewPath()))),
            (3, () => On(NodeKind.File, path => new Operation(Verb.LinkMany, path, NewPath(), Length: (ulong)_random.Pick([20, 80, 400])))),
            (26, () => OnAny(path => new Operation(Verb.Unlink, path), NodeKind.File, NodeKind.File, NodeKind.SymbolicLink, NodeKind.Special)),
            (12, () => OnAny(path => new Operation(Verb.RemoveDirectory, path), NodeKind.Directory, NodeKind.Directory, NodeKind.Stub)),
            (50, Rename),
            (150, () => OnFile(Write)),
            (36, () => OnFile(path => new Operation(Verb.Truncate, path, Length: AnySize(path)))),
            (40, () => OnFile(Allocate)),
            (50, () => Share(Verb.Clone)),
            (16, () => Share(Verb.Dedupe)),
            (40, SetXattr),
            (12, () => Anything(path => new Operation(Verb.RemoveXattr, path, XattrName()))),
            (12, SetAcl),
            (4, () => On(NodeKind.File, path => new Operation(Verb.SetCapability, path, "security.capability", Value: _random.NextULong()))),
            (options.UsesCompression ? 20 : 0, () => OnAny(path => new Operation(Verb.SetCompression, path, _random.Pick(["", "zlib", "lzo", "zstd"])), NodeKind.File, NodeKind.Directory)),
            (16, () => OnAny(path => new Operation(Verb.ChangeMode, path, Value: (ulong)_random.Below(512)), NodeKind.File, NodeKind.Directory, NodeKind.Special, NodeKind.Subvolume)),
            (12, () => Anything(path => new Operation(Verb.ChangeOwner, path, Offset: (ulong)_random.Below(70000), Length: (ulong)_random.Below(70000)), skipSealed: true)),
            (18, () => Anything(path => new Operation(Verb.SetTimes, path, Offset: (ulong)_random.Below(1 << 30), Length: (ulong)_random.Below(1 << 30), Value: (ulong)_random.Below(1_000_000_000)))),
            (16, () => OnAny(path => new Operation(Verb.SetFlags, path, Value: Flags(path)), NodeKind.File, NodeKind.Directory)),
            (9, () => new Operation(Verb.CreateSubvolume, NewPath())),
            (9, () => On(NodeKind.Subvolume, path => new Operation(Verb.Snapshot, path, NewPath(), Value: (ulong)_random.Below(2)))),
            (7, () => On(NodeKind.Subvolume, path => new Operation(Verb.DeleteSubvolume, path))),
            (8, () => On(NodeKind.Subvolume, path => new Operation(Verb.SetReadOnly, path, Value: _random.Percent(30) ? 1UL : 0))),
            (2, () => On(NodeKind.Subvolume, path => new Operation(Verb.SetDefault, path))),
            (24, () => On(NodeKind.File, path => new Operation(Verb.WriteBack, path))),
            (8, () => On(NodeKind.File, path => new Operation(Verb.Fsync, path))),
            (20, () => new Operation(Verb.Commit)),
            (4, () => new Operation(Verb.CleanUp)),
            (5, () => new Operation(Verb.Reopen)),
        ];
        _totalWeight = _table.Sum(row => row.Weight);
    }

    public Operation Next()
    {
        while (true)
        {
            int at = _random.Below(_totalWeight);
            foreach ((int weight, Func<Operation?> draw) in _table)
            {
                at -= weight;
                if (at >= 0)
                    continue;
                if (draw() is { } operation)
                    return operation;
                break;
            }
        }
    }

    private Operation Make(Verb verb, uint mode) => new(verb, NewPath(), Value: mode & ~(uint)_random.Below(64));

    private Operation MakeNode()
    {
        ulong type = _random.Pick<ulong>([0x1000, 0xC000, 0x2000, 0x6000]);
        bool isDevice = type is 0x2000 or 0x6000;
        return new Operation(
            Verb.MakeNode, NewPath(), Offset: isDevice ? (ulong)_random.Below(4096) : 0, Length: isDevice ? (ulong)_random.Below(1 << 20) : 0, Value: type | 0x180);
    }

    // A name in a directory that exists. A small stock of names, so that they meet again; some are as long as can be, some bytes.
    private string NewPath()
    {
        List<string> directories = [.. _model.All.Where(entry => entry.Node.HasEntries).Select(entry => entry.Path), ""];
        if (_random.Percent(2))
            directories.AddRange(_model.All.Where(entry => entry.Node.Kind is NodeKind.Stub or NodeKind.File).Select(entry => entry.Path));
        string directory = _random.Pick(directories);
        string name = _random.Below(40) switch
        {
            0 => new string('L', 255),
            1 => new string('m', _random.Between(100, 254)),
            2 => "\u00ff\u0080" + (char)_random.Between(1, 31),
            3 => new string('X', 256),
            _ => string.Create(CultureInfo.InvariantCulture, $"{(char)_random.Between('a', 'f')}{_random.Below(24)}"),
        };
        return directory.Length == 0 ? name : $"{directory}/{name}";
    }

    private Operation? On(NodeKind kind, Func<string, Operation> make) => OnAny(make, kind);

    private Operation? OnAny(Func<string, Operation> make, params NodeKind[] kinds)
    {
        NodeKind kind = _random.Pick(kinds);
        return Choose(node => node.Kind == kind, make);
    }

    private Operation? Anything(Func<string, Operation> make, bool skipSealed = false) =>
        Choose(node => node.Kind != NodeKind.Stub && !(skipSealed && node.IsSealed), make);

    private Operation? OnFile(Func<string, Operation> make) => Choose(node => node.Kind == NodeKind.File && !node.IsSealed, make);

    private Operation? Choose(Func<Node, bool> isWanted, Func<string, Operation> make)
    {
        List<string> paths = [.. _model.All.Where(entry => isWanted(entry.Node)).Select(entry => entry.Path)];
        return paths.Count == 0 ? null : make(_random.Pick(paths));
    }

    private Operation? Rename()
    {
        bool isExchange = _random.Percent(25);
        bool IsMovable(Node node) => node.Kind != NodeKind.Stub;
        return Choose(IsMovable, from =>
        {
            List<string> others = [.. _model.All.Where(entry => IsMovable(entry.Node)).Select(entry => entry.Path)];
            string to = isExchange || _random.Percent(35) ? _random.Pick(others) : NewPath();
            return new Operation(Verb.Rename, from, to, Value: isExchange ? 2UL : _random.Percent(20) ? 1UL : 0);
        });
    }

    private Operation Write(string path)
    {
        ulong size = SizeOf(path);
        if (_options.FillsUp && _random.Percent(40))
            return new Operation(Verb.Write, path, Offset: size, Length: _random.Pick<ulong>([2, 8, 24]) * Mebibyte, Value: _random.NextULong());

        (ulong offset, ulong length) = _random.Below(12) switch
        {
            0 or 1 => (0UL, (ulong)_random.Between(1, 3000)),
            2 => (size, (ulong)_random.Between(1, 6000)),
            3 => (size, Sector * (ulong)_random.Between(1, 40)),
            4 => (SomeOffset(size), (ulong)_random.Between(1, 200)),
            5 => (SomeOffset(size), (ulong)_random.Between(1, 60_000)),
            6 => (Align(SomeOffset(size)), Sector),
            7 => (Align(SomeOffset(size)), Sector * (ulong)_random.Between(1, 64)),
            8 => (size + (ulong)_random.Between(1, 100_000), (ulong)_random.Between(1, 10_000)),
            9 => (Align(size) + Sector * (ulong)_random.Between(1, 500), Sector * (ulong)_random.Between(1, 8)),
            10 => (0UL, Math.Clamp(size, 1, 256 << 10)),
            _ => (0UL, (ulong)_random.Between(1, 400_000)),
        };
        if (_random.Percent(1))
            offset += 1UL << 32;
        return new Operation(Verb.Write, path, Offset: offset, Length: length, Value: _random.NextULong());
    }

    private Operation Allocate(string path)
    {
        ulong size = SizeOf(path);
        // Grow, keep the size, punch, zero, zero and keep the size.
        ulong mode = _random.Pick<ulong>([0, 1, 3, 3, 16, 17]);

        // Without no-holes Linux 6.18 forgets with the inode what it preallocated behind the end, and then loses the size that a write there makes.
        if (!_options.HasNoHoles && (mode & 3) == 1)
            mode &= ~1UL;
        ulong offset = SomeOffset(size + 20_000);
        ulong length = _random.Pick<ulong>([1, 100, Sector, 3 * Sector, 5000, 30_000, 200_000]);

        // Where the range ends within a sector, Linux writes zeros into that, even if it is a hole, by how long the holes are that it happens to remember: of two runs
        // the one does and the other doesn't. Within one sector, and up to the end of one, there is no choice.
        if (mode == 3 && Align(offset) != Align(offset + length))
            length = Align(offset + length + Sector - 1) - offset;

        // Likewise, whether a hole that goes on behind the end of the file is one or two, by whether it remembers how the file grew: the times depend on it.
        ulong end = Align(size + Sector - 1);
        if (mode == 3 && Align(offset) < end && offset + length > end)
            length = end - Math.Min(offset, end - 1);

        return _random.Percent(50)
            ? new Operation(Verb.Allocate, path, Offset: Align(offset), Length: (length + Sector - 1) / Sector * Sector, Value: mode)
            : new Operation(Verb.Allocate, path, Offset: offset, Length: length, Value: mode);
    }

    private Operation? Share(Verb verb) => OnFile(target =>
    {
        List<string> sources = [.. _model.All.Where(entry => entry.Node.Kind == NodeKind.File).Select(entry => entry.Path)];
        string source = _random.Percent(20) ? target : _random.Pick(sources);
        ulong sourceSize = SizeOf(source);
        ulong from = Align(SomeOffset(sourceSize));
        ulong to = verb == Verb.Dedupe && _random.Percent(70) ? from : Align(SomeOffset(SizeOf(target) + 10_000));
        ulong length = _random.Below(6) switch
        {
            0 => 0,
            1 => sourceSize > from ? sourceSize - from : Sector,
            2 => Sector,
            3 => (ulong)_random.Between(1, 9000),
            _ => Align(SomeOffset(sourceSize)) + Sector,
        };
        if (_random.Percent(4))
            from += 512;
        return new Operation(verb, source, target, from, length, to);
    });

    private Operation? SetXattr() => Anything(path =>
    {
        string name = XattrName();
        ulong length = _random.Pick<ulong>([0, 1, 20, 20, 20, 300, 300, 2000, 3800, 16_000]);

        // Where the old value and the new one are too much for one leaf together, Linux makes no room in the leaf for the larger: it takes it or refuses it by
        // what happens to lie in that leaf as well, and no two file systems have their leaves alike.
        if (_model.Find(path)?.XattrLengths.TryGetValue(name, out ulong old) is true
            && length > old && length < (ulong)_options.NodeSize && old + length + XattrOverhead + 2 * (ulong)name.Length > (ulong)_options.NodeSize)
            length = old;
        return new Operation(Verb.SetXattr, path, name, Length: length, Value: _random.NextULong());
    });

    private string XattrName() => _random.Below(20) switch
    {
        0 => "user." + new string('n', 240),
        1 => string.Create(CultureInfo.InvariantCulture, $"trusted.{_random.Below(40)}"),
        2 => "btrfs.nonsense",
        3 => "security.made-up",
        _ => string.Create(CultureInfo.InvariantCulture, $"user.{_random.Below(12)}"),
    };

    // Linux 6.18 lets an access control list be changed in a read-only subvolume, which nobody should do after it.
    private Operation? SetAcl()
    {
        Operation? operation = OnAny(path => new Operation(Verb.SetAcl, path, AclName(path), Value: _random.NextULong()), NodeKind.File, NodeKind.Directory);
        return operation is not null && _model.IsReadOnly(operation.Path) ? null : operation;
    }

    private string AclName(string path) =>
        _model.Find(path)?.Kind == NodeKind.Directory && _random.Percent(50) ? "system.posix_acl_default" : "system.posix_acl_access";

    // Sync, immutable, append, nodump, noatime, dirsync, nodatacow; mostly none, which takes them away again.
    private ulong Flags(string path)
    {
        ulong flags = 0;
        if (_random.Percent(60))
            flags |= _random.Pick<ulong>([0x8, 0x10, 0x20, 0x40, 0x80, 0x10000, 0x800000, 0x800000]);
        if (_random.Percent(10))
            flags |= _random.Pick<ulong>([0x40, 0x80, 0x800000, 0x400]);
        if (_options.UsesCompression && _random.Percent(20))
            flags |= _random.Pick<ulong>([0x4, 0x400]);

        // A kernel compresses such a file as it was told to at the mount, of which the engine knows nothing.
        if (_options.Compression is not (null or Format.CompressionType.Zlib))
            flags &= ~0x4UL;

        // And it marks a file whose data did not get smaller, by its guess, and won't have that one without copy on write.
        return _options.Compression is not null && _model.Find(path)?.Kind == NodeKind.File ? flags & ~0x800000UL : flags;
    }

    private ulong AnySize(string path) => _random.Below(6) switch
    {
        0 => 0,
        1 => Align(SomeOffset(SizeOf(path))),
        2 => SizeOf(path) + (ulong)_random.Between(1, 50_000),
        3 => SizeOf(path) + Sector * (ulong)_random.Between(1, 100),
        4 => (ulong)_random.Between(1, 3000),
        _ => SomeOffset(SizeOf(path)),
    };

    private ulong SizeOf(string path) => Math.Min(_model.Find(path)?.Size ?? 0, 8 * Mebibyte);

    private ulong SomeOffset(ulong size) => (ulong)_random.Between(0L, (long)size);

    private static ulong Align(ulong value) => value / Sector * Sector;
}
