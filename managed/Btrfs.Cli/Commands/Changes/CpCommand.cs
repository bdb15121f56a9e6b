using System.CommandLine;
using Btrfs.Cli.Text;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Names;

namespace Btrfs.Cli.Commands.Changes;

/// <summary><c>cp</c>: copies within a file system, by sharing extents where that can be.</summary>
internal sealed class CpCommand
{
    private const string Always = "always";
    private const string Auto = "auto";
    private const string Never = "never";

    /// <summary>What a copy keeps of a mode that is not to be kept: who runs a copy as root must not run what only its former owner let run as himself.</summary>
    private const uint PlainPermissions = 0x1ED;

    private readonly BtrfsFileSystem _fs;
    private readonly string _reflink;
    private readonly bool _keepsAttributes;
    private readonly CancellationToken _stopped;

    /// <summary>One for all files: most are far smaller, and a new one is cleared first.</summary>
    private readonly byte[] _buffer = new byte[1 << 20];

    /// <summary>The first copies of files that have several names, by subvolume and inode.</summary>
    private readonly Dictionary<(ulong Root, ulong Inode), FsPath> _linked = [];

    private CpCommand(BtrfsFileSystem fs, string reflink, bool keepsAttributes, CancellationToken stopped)
    {
        _fs = fs;
        _reflink = reflink;
        _keepsAttributes = keepsAttributes;
        _stopped = stopped;
    }

    /// <summary>An option alone would take the next argument for its value, where getopt takes a value only behind an equals sign.</summary>
    public static string[] WithReflinkValue(string[] arguments) =>
        arguments is ["cp", ..] ? Array.ConvertAll(arguments, argument => argument == "--reflink" ? $"--reflink={Always}" : argument) : arguments;

    public static Command Create()
    {
        Command command = new("cp", "Copy files and directories within a file system, also from one subvolume to another. Nothing that exists is replaced.");
        Option<bool> recursive = new("-r", "--recursive", "-R") { Description = "Copy directories with all that is in them; subvolumes below become directories" };
        Option<bool> archive = new("-a", "--archive") { Description = "As -r, and keep owners, permissions, times, extended attributes and hard links" };
        Option<string?> reflink = new("--reflink") { HelpName = "WHEN", Description = "Share the data: always, auto (where it can be, the default), or never", Arity = ArgumentArity.ZeroOrOne };
        reflink.AcceptOnlyFromAmong(Always, Auto, Never);
        command.Options.Add(recursive);
        command.Options.Add(archive);
        command.Options.Add(reflink);
        ImageArguments image = new(command, 2, ("SOURCE", "A path in the image"), ("DEST", "The copy's name, or a directory that gets the copy"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            string when = parsed.GetValue(reflink) ?? (parsed.GetResult(reflink) is null ? Auto : Always);
            bool isArchive = parsed.GetValue(archive);
            ImageArguments.Change(devices, (fs, stopped) =>
            {
                FsPath source = ImageArguments.PathOf(paths[0]);
                FsPath target = Places.Choose(fs.Writer.Running, ImageArguments.PathOf(paths[1]), Places.NameOf(source));
                new CpCommand(fs, when, isArchive, stopped).Copy(source, target, isArchive || parsed.GetValue(recursive));
            });
        });
        return command;
    }

    private void Copy(FsPath source, FsPath target, bool isRecursive)
    {
        FileStatus status = _fs.GetStatus(source);
        if (!status.IsDirectory)
        {
            CopyOne(source, target, status);
            return;
        }

        if (!isRecursive)
            throw new InvalidRequestException($"'{source}' is a directory, it is copied with -r");
        if (IsWithin(source, target))
            throw new InvalidRequestException($"'{source}' can't be copied into itself");
        CopyTree(source, target, status);
    }

    private static bool IsWithin(FsPath source, FsPath target)
    {
        string[] above = Parts(source);
        return Parts(target).Take(above.Length).SequenceEqual(above);
    }

    private static string[] Parts(FsPath path) =>
        [.. System.Text.Encoding.Latin1.GetString(path.Bytes).Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".")];

    private void CopyTree(FsPath source, FsPath target, FileStatus status)
    {
        PathText from = new(source);
        PathText to = new(target);
        _fs.CreateDirectory(target, Describe(status));
        Stack<(FileStatus Status, Queue<byte[]> Left)> levels = new();
        levels.Push((status, List(source)));
        while (true)
        {
            _stopped.ThrowIfCancellationRequested();
            (FileStatus directory, Queue<byte[]> left) = levels.Peek();
            if (left.TryDequeue(out byte[]? name))
            {
                from.Down(name);
                to.Down(name);
                FileStatus found = _fs.GetStatus(PathOf(from));
                if (found.IsDirectory)
                {
                    _fs.CreateDirectory(PathOf(to), Describe(found));
                    levels.Push((found, List(PathOf(from))));
                    continue;
                }

                CopyOne(PathOf(from), PathOf(to), found);
            }
            else
            {
                TakeAttributes(PathOf(from), PathOf(to), directory);
                levels.Pop();
                if (levels.Count == 0)
                    return;
            }

            from.Up();
            to.Up();
        }
    }

    private Queue<byte[]> List(FsPath directory) => new(_fs.EnumerateDirectory(directory).Select(entry => entry.NameBytes.ToArray()));

    private void CopyOne(FsPath source, FsPath target, FileStatus status)
    {
        NewInode what = Describe(status);
        Location at = new PathLookup(_fs.Writer.Running).Find(source);
        if (_keepsAttributes && status.LinkCount > 1 && TryLink(at, target))
            return;
        if (status.IsSymbolicLink)
            what = what with { Target = at.Subvolume.ReadLink(at.Inode).ToArray() };

        _fs.CreateNode(target, what);
        if (status.IsRegular)
            CopyContent(source, target, status);
        TakeAttributes(source, target, status);
    }

    /// <summary>Makes one more name of a copy that was made of the same file; else this will be the first.</summary>
    private bool TryLink(Location source, FsPath target)
    {
        (ulong, ulong) identity = (source.Subvolume.Id, source.Inode);
        if (!_linked.TryGetValue(identity, out FsPath first))
        {
            _linked.Add(identity, target);
            return false;
        }

        _fs.CreateLink(first, target);
        return true;
    }

    private void CopyContent(FsPath source, FsPath target, FileStatus status)
    {
        InodeFlags apart = (status.Flags ^ _fs.GetStatus(target).Flags) & InodeFlags.NoDataSum;
        if (apart != InodeFlags.None && _reflink == Always)
            throw new InvalidRequestException($"'{source}' can't share its data: one of the two has no checksums");
        if (status.Size == 0)
            return;
        if (_reflink != Never && apart == InodeFlags.None)
        {
            _fs.CloneRange(source, 0, 0, target, 0);
            return;
        }

        using System.IO.Stream content = _fs.OpenFile(source);
        for (long offset = 0; offset < content.Length;)
        {
            _stopped.ThrowIfCancellationRequested();
            int read = content.ReadAtLeast(_buffer, _buffer.Length, throwOnEndOfStream: false);
            _fs.WriteFile(target, (ulong)offset, _buffer.AsSpan(0, read));
            offset += read;
        }
    }

    private void TakeAttributes(FsPath source, FsPath target, FileStatus status)
    {
        if (!_keepsAttributes)
            return;

        bool mayCompress = (_fs.GetStatus(target).Flags & (InodeFlags.NoDataCow | InodeFlags.NoDataSum)) == 0;
        foreach (Xattr xattr in _fs.EnumerateXattrs(source).ToList())
        {
            if (mayCompress || !xattr.Name.SequenceEqual("btrfs.compression"u8))
                _fs.SetXattr(target, xattr.Name, xattr.Value);
        }

        _fs.SetAttributes(target, new AttributeChange
        {
            Permissions = status.IsSymbolicLink ? null : status.Mode & ~InodeMode.TypeMask,
            Uid = status.Uid,
            Gid = status.Gid,
            ATime = status.ATime,
            MTime = status.MTime,
        });
    }

    private NewInode Describe(FileStatus status) => new()
    {
        Mode = _keepsAttributes || status.IsSymbolicLink ? status.Mode : status.Mode & (InodeMode.TypeMask | PlainPermissions),
        DeviceMajor = status.DeviceMajor,
        DeviceMinor = status.DeviceMinor,
    };

    private static FsPath PathOf(PathText text) => new(text.Bytes.ToArray());
}
