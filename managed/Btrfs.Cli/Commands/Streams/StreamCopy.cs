using System.Text;
using Btrfs.Cli.Commands.Files;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Format;
using Btrfs.Stream;
using Btrfs.Stream.Replay;

namespace Btrfs.Cli.Commands.Streams;

/// <summary>Copies an inode that a chain of streams makes, or a directory and all below, to the host.</summary>
internal sealed class StreamCopy(StreamChain chain, ReplayedSubvolume subvolume, bool isQuiet, CancellationToken stopped) : IDisposable
{
    private readonly CopyReport _report = new(isQuiet);
    private readonly Dictionary<int, byte[]> _linked = [];
    private HostDirectory? _top;
    private CopiedAttributes? _attributes;
    private SparseCopy? _files;

    /// <param name="path">What to copy, from the top of the subvolume.</param>
    /// <param name="destination">Its name, or a directory that gets the copy under its own name. The top has no name: what is in it is copied.</param>
    public void Run(ReadOnlySpan<byte> path, string destination)
    {
        if (!subvolume.TryFind(path, out int number))
            throw new IOException($"the streams make no '{Encoding.UTF8.GetString(path)}'");

        ReadOnlySpan<byte> trimmed = path.TrimEnd((byte)'/');
        byte[] own = trimmed[(trimmed.LastIndexOf((byte)'/') + 1)..].ToArray();
        (_top, byte[] name) = CopyDestination.Open(destination, own);
        _attributes = new CopiedAttributes(_report);
        _files = new SparseCopy(_report, stopped);
        ReplayedInode inode = subvolume.GetInode(number);
        PathText at = new("");
        if (name.Length == 0)
        {
            Children(number, _top, at);
        }
        else if (inode.IsDirectory)
        {
            at.Down(name);
            using (HostDirectory made = _top.MakeDirectory(name))
                Children(number, made, at);
            SetAttributes(_top, name, inode);
        }
        else
        {
            Leaf(_top, name, number, at);
        }

        _report.Finish();
    }

    public void Dispose() => _top?.Dispose();

    // The way down is kept, since directories can be nested deeper than a stack is. The one that the caller opened stays his.
    private void Children(int start, HostDirectory top, PathText at)
    {
        Stack<(int Directory, IEnumerator<KeyValuePair<byte[], int>> Entries)> above = new();
        HostDirectory current = top;
        int directory = start;
        IEnumerator<KeyValuePair<byte[], int>> entries = subvolume.EnumerateEntries(start).GetEnumerator();
        try
        {
            while (true)
            {
                stopped.ThrowIfCancellationRequested();
                if (entries.MoveNext())
                {
                    (byte[] name, int number) = entries.Current;
                    if (!subvolume.GetInode(number).IsDirectory)
                    {
                        Leaf(current, name, number, at);
                        continue;
                    }

                    HostDirectory made = current.MakeDirectory(name);
                    Close(current);
                    current = made;
                    at.Down(name);
                    above.Push((directory, entries));
                    directory = number;
                    entries = subvolume.EnumerateEntries(number).GetEnumerator();
                    continue;
                }

                if (above.Count == 0)
                    return;
                int left = directory;
                (directory, entries) = above.Pop();
                HostDirectory parent = current.OpenAbove();
                Close(current);
                current = parent;
                SetAttributes(current, at.LastPart, subvolume.GetInode(left));
                at.Up();
            }
        }
        finally
        {
            Close(current);
        }

        void Close(HostDirectory opened)
        {
            if (opened != top)
                opened.Dispose();
        }
    }

    private void Leaf(HostDirectory directory, byte[] name, int number, PathText at)
    {
        ReplayedInode inode = subvolume.GetInode(number);
        if (_linked.TryGetValue(number, out byte[]? first))
        {
            directory.MakeLink(name, _top!, first);
            return;
        }

        if (_attributes!.Refuses(inode.Mode))
            return;

        at.Down(name);
        if (inode.IsRegular)
            CopyFile(directory, name, inode, at);
        else if (inode.IsSymbolicLink)
            directory.MakeSymbolicLink(name, inode.LinkTarget.Span);
        else
            directory.MakeNode(name, inode.Mode, inode.Rdev);
        SetAttributes(directory, name, inode);
        if (inode.LinkCount > 1)
            _linked.Add(number, at.Bytes[1..].ToArray());
        at.Up();
    }

    private void CopyFile(HostDirectory directory, byte[] name, ReplayedInode inode, PathText at)
    {
        using ContentStream content = chain.OpenContent(inode);
        _files!.Copy(directory, name, content, content.TryFindData, at);
    }

    private void SetAttributes(HostDirectory directory, ReadOnlySpan<byte> name, ReplayedInode inode)
    {
        _attributes!.SetOwner(directory, name, inode.Uid, inode.Gid);
        foreach ((byte[] xattr, byte[] value) in inode.Xattrs)
            _attributes.SetXattr(directory, name, xattr, value);
        CopiedAttributes.SetModeAndTimes(directory, name, inode.Mode, TimeOf(inode.Atime), TimeOf(inode.Mtime));
    }

    private static DiskTime TimeOf(StreamTime time) => new(time.Seconds, time.Nanoseconds);
}
