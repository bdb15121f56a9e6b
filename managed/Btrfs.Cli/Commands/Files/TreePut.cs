using System.Diagnostics.CodeAnalysis;
using Btrfs.Cli.Commands.Changes;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Import;
using Btrfs.Inode.Subvolumes;

namespace Btrfs.Cli.Commands.Files;

/// <summary>
/// Copies a file of the host, or a directory and all below, into an image. Names go in by the order of their bytes, so that the same tree makes the same image. Of
/// the tree it remembers the way up, and the inodes with several names until the last of them is made.
/// </summary>
internal sealed class TreePut : IDisposable
{
    private static readonly byte[][] s_xattrClasses =
        [[.. "user."u8], [.. "security."u8], [.. "trusted."u8], [.. "btrfs."u8], [.. "system.posix_acl_"u8]];

    private readonly BtrfsFileSystem _fs;
    private readonly WriteOptions _options;
    private readonly CopyReport _report;
    private readonly CancellationToken _stopped;
    private readonly Dictionary<(ulong Root, ulong Device, ulong Inode), LinkedInode> _linked = [];
    private readonly Stack<Level> _above = new();
    private readonly List<TreeImport> _imports = [];

    /// <param name="fs">Open for writing.</param>
    /// <param name="options">How file data is stored.</param>
    /// <param name="report">Gets the progress, and what is left out.</param>
    /// <param name="stopped">Ends the copy between two entries.</param>
    public TreePut(BtrfsFileSystem fs, WriteOptions options, CopyReport report, CancellationToken stopped)
    {
        _fs = fs;
        _options = options;
        _report = report;
        _stopped = stopped;
    }

    /// <summary>Directories that become subvolumes, by their paths in the tree.</summary>
    public IReadOnlyDictionary<string, SubvolumePlan> Plans { get; init; } = new Dictionary<string, SubvolumePlan>();

    /// <summary>Whether times of access are copied. Reading a tree to copy it changes them; without, they are those of the last change.</summary>
    public bool TakesAccessTimes { get; init; } = true;

    /// <param name="source">A path of the host; if its last part is ".", what is in it is copied and not the directory itself.</param>
    /// <param name="destination">The copy's name, or a directory that gets the copy under its own name.</param>
    public void Run(ReadOnlySpan<byte> source, FsPath destination)
    {
        ReadOnlySpan<byte> trimmed = source.TrimEnd((byte)'/');
        int slash = trimmed.LastIndexOf((byte)'/');
        byte[] name = trimmed[(slash + 1)..].ToArray();
        bool onlyContent = name.Length == 0 || name.AsSpan().SequenceEqual("."u8) || name.AsSpan().SequenceEqual(".."u8);
        FsInfo image = _fs.Writer.Running;
        if (onlyContent)
        {
            using HostFolder folder = HostFolder.Open(trimmed.IsEmpty ? "/"u8 : trimmed);
            if (Places.TryFind(image, destination) is null)
                One(folder, [(byte)'.'], Places.FindDirectory(image, Places.Above(destination)), Places.NameOf(destination));
            else
                Content(folder, Places.FindDirectory(image, destination));
            return;
        }

        FsPath place = Places.Choose(image, destination, name);
        using HostFolder holder = HostFolder.Open(slash < 0 ? "."u8 : slash == 0 ? "/"u8 : trimmed[..slash]);
        if (place.MeansDirectory && !holder.GetStatus(name).IsDirectory)
            throw new InvalidRequestException($"'{place}' is not a directory");
        One(holder, name, Places.FindDirectory(image, Places.Above(place)), Places.NameOf(place));
    }

    /// <summary>Copies what is in a directory of the host.</summary>
    public void Content(HostFolder folder, Location target)
    {
        TreeImport import = NewImport(target.Subvolume.Id);
        Walk(folder, new Level(target.Subvolume.Id, import, import.Open(target.Inode), folder.ReadNames()), new PathText(""));
        import.Complete();
    }

    /// <summary>Gives a directory that is there the attributes of one of the host.</summary>
    public void TakeAttributes(HostFolder folder, ulong subvolume, ulong inode) =>
        SetAttributes(subvolume, inode, Describe(folder, default, folder.GetStatus(default)));

    public void Dispose()
    {
        foreach (TreeImport import in _imports)
            import.Dispose();
    }

    private void One(HostFolder holder, byte[] sourceName, Location target, byte[] name)
    {
        HostStatus status = holder.GetStatus(sourceName);
        PathText at = new("");
        TreeImport import = NewImport(target.Subvolume.Id);
        ImportDirectory directory = import.Open(target.Inode);
        if (status.IsDirectory)
        {
            ImportDirectory made = import.AddDirectory(directory, name, Describe(holder, sourceName, status));
            using HostFolder folder = holder.OpenBelow(sourceName);
            at.Down(name);
            Walk(folder, new Level(target.Subvolume.Id, import, made, folder.ReadNames()), at);
        }
        else
        {
            Leaf(holder, sourceName, name, status, new Level(target.Subvolume.Id, import, directory, []), at);
        }

        import.Complete();
    }

    // The folder that the caller opened stays his; each one below is closed when the walk leaves it or goes on down.
    private void Walk(HostFolder top, Level level, PathText at)
    {
        HostFolder current = top;
        try
        {
            while (true)
            {
                _stopped.ThrowIfCancellationRequested();
                if (level.TryTake(out byte[]? name))
                {
                    HostStatus status = current.GetStatus(name);
                    if (!status.IsDirectory)
                    {
                        Leaf(current, name, name, status, level, at);
                        continue;
                    }

                    at.Down(name);
                    _above.Push(level);
                    level = Enter(level, current, name, status, at);
                    HostFolder below = current.OpenBelow(name);
                    Close(current);
                    current = below;
                    level.Names = current.ReadNames();
                    continue;
                }

                if (!_above.TryPop(out Level? above))
                    return;
                Leave(level, above, current);
                HostFolder holder = current.OpenAbove();
                Close(current);
                current = holder;
                level = above;
                at.Up();
            }
        }
        finally
        {
            Close(current);
        }

        void Close(HostFolder folder)
        {
            if (folder != top)
                folder.Dispose();
        }
    }

    /// <summary>Makes a directory, or the subvolume that is planned in its place.</summary>
    private Level Enter(Level level, HostFolder folder, byte[] name, HostStatus status, PathText at)
    {
        if (Plans.Count == 0 || !Plans.TryGetValue(at.ToString().TrimStart('/'), out SubvolumePlan? plan))
        {
            ImportedInode what = Describe(folder, name, status);
            return new Level(level.Root, level.Import, level.Import.AddDirectory(level.Directory, name, what), []) { What = what };
        }

        level.Import.Complete();
        plan.IsDone = true;
        NewInode top = new() { Mode = status.Mode, Uid = status.Uid, Gid = status.Gid };
        ulong id = new SubvolumeOperations(_fs.Subvolumes).Create(level.Root, level.Directory.Inode, name, plan.Uuid, top);
        TreeImport import = NewImport(id);
        return new Level(id, import, import.Open(ObjectIds.FirstFree), []) { Plan = plan };
    }

    private void Leave(Level level, Level above, HostFolder folder)
    {
        if (level.Import == above.Import)
        {
            if (level.HoldsSubvolume)
            {
                level.Import.Complete();
                SetAttributes(level.Root, level.Directory.Inode, level.What!);
            }

            return;
        }

        above.HoldsSubvolume = true;
        level.Import.Complete();
        TakeAttributes(folder, level.Root, ObjectIds.FirstFree);
        SubvolumeOperations operations = new(_fs.Subvolumes);
        if (level.Plan is { IsDefault: true })
            operations.SetDefault(level.Root);
        if (level.Plan is { IsReadOnly: true })
            operations.SetReadOnly(level.Root, isReadOnly: true);
    }

    private void Leaf(HostFolder folder, byte[] sourceName, byte[] name, HostStatus status, Level level, PathText at)
    {
        bool isLinked = status.Links > 1;
        (ulong, ulong, ulong) identity = (level.Root, status.Identity.Device, status.Identity.Inode);
        if (isLinked && _linked.TryGetValue(identity, out LinkedInode? first))
        {
            level.Import.AddLink(level.Directory, name, first.Inode);
            if (--first.NamesLeft == 0)
                _linked.Remove(identity);
            return;
        }

        ImportedInode what = Describe(folder, sourceName, status);
        ulong inode = InodeMode.IsRegular(status.Mode)
            ? level.Import.AddFile(level.Directory, name, what, folder.OpenFile(sourceName, status))
            : level.Import.Add(level.Directory, name, what);
        _report.Copied((long)status.Size, at);
        if (isLinked)
            _linked.Add(identity, new LinkedInode(inode, status.Links - 1));
    }

    private ImportedInode Describe(HostFolder folder, ReadOnlySpan<byte> name, HostStatus status) => new()
    {
        Mode = status.Mode,
        Uid = status.Uid,
        Gid = status.Gid,
        DeviceMajor = status.Node.Major,
        DeviceMinor = status.Node.Minor,
        Target = InodeMode.IsSymbolicLink(status.Mode) ? folder.ReadLink(name) : default,
        ATime = TakesAccessTimes ? status.ATime : status.MTime,
        MTime = status.MTime,
        CTime = status.CTime,
        OTime = status.OTime,
        Xattrs = Known(folder.ReadXattrs(name)),
    };

    private List<(byte[] Name, byte[] Value)> Known(List<(byte[] Name, byte[] Value)> xattrs)
    {
        int unknown = xattrs.RemoveAll(xattr => !s_xattrClasses.Any(known => xattr.Name.AsSpan().StartsWith(known)));
        for (; unknown > 0; unknown--)
            _report.Skipped("extended attributes of a class that btrfs has not");
        return xattrs;
    }

    private void SetAttributes(ulong subvolume, ulong inode, ImportedInode what)
    {
        SubvolumeWriter writer = _fs.Subvolumes.Get(subvolume);
        foreach ((byte[] name, byte[] value) in what.Xattrs)
            writer.SetXattr(inode, name, value);
        writer.SetAttributes(inode, new AttributeChange
        {
            Permissions = what.Mode & ~InodeMode.TypeMask,
            Uid = what.Uid,
            Gid = what.Gid,
            ATime = what.ATime,
            MTime = what.MTime,
            CTime = what.CTime,
            OTime = what.OTime,
        });
    }

    private TreeImport NewImport(ulong root)
    {
        TreeImport import = new(_fs.Subvolumes.Get(root), _options, _stopped);
        _imports.Add(import);
        return import;
    }

    /// <summary>A directory that is being copied.</summary>
    private sealed class Level(ulong root, TreeImport import, ImportDirectory directory, List<byte[]> names)
    {
        private int _next;

        public ulong Root { get; } = root;

        public TreeImport Import { get; } = import;

        public ImportDirectory Directory { get; } = directory;

        public List<byte[]> Names { get; set; } = names;

        public SubvolumePlan? Plan { get; init; }

        /// <summary>Of a directory that is imported.</summary>
        public ImportedInode? What { get; init; }

        /// <summary>Whether a subvolume was made in it, which changed its times.</summary>
        public bool HoldsSubvolume { get; set; }

        public bool TryTake([NotNullWhen(true)] out byte[]? name)
        {
            name = _next < Names.Count ? Names[_next++] : null;
            return name is not null;
        }
    }

    /// <summary>An inode with more names than were made yet.</summary>
    private sealed class LinkedInode(ulong inode, uint namesLeft)
    {
        public ulong Inode { get; } = inode;

        public uint NamesLeft { get; set; } = namesLeft;
    }
}
