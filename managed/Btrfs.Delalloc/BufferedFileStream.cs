using Btrfs.Delalloc.Files;
using Btrfs.Inode.Changes;

namespace Btrfs.Delalloc;

/// <summary>
/// An open file as a stream: reads see every write so far, by whichever handle; writes stay in memory until they are written back. The file lives until the last
/// handle is disposed of, even if its last name goes. One handle is for one thread at a time; any number of handles may be at work.
/// </summary>
public sealed class BufferedFileStream : System.IO.Stream
{
    private readonly DelallocFs _files;
    private readonly BufferedInode _node;
    private readonly FileAccess _access;
    private readonly WriteOptions? _options;
    private long _position;
    private bool _isClosed;

    internal BufferedFileStream(DelallocFs files, BufferedInode node, FileAccess access, WriteOptions? options)
    {
        _files = files;
        _node = node;
        _access = access;
        _options = options;
    }

    public override bool CanRead => !_isClosed && (_access & FileAccess.Read) != 0;

    public override bool CanSeek => !_isClosed;

    public override bool CanWrite => !_isClosed && (_access & FileAccess.Write) != 0;

    /// <summary>The file's size in bytes, as it is now.</summary>
    public override long Length
    {
        get
        {
            lock (_node.State)
                return (long)_node.Size;
        }
    }

    public override long Position
    {
        get => _position;
        set => _position = value >= 0 ? value : throw new IOException($"a position can't be negative: {value}");
    }

    /// <summary>Reads up to the buffer's length, and fewer bytes only at the end of the file.</summary>
    /// <exception cref="Format.ChecksumException">No copy of a sector has its checksum.</exception>
    public override int Read(Span<byte> buffer)
    {
        Require(CanRead);
        int read = _files.Read(_node, (ulong)_position, buffer);
        _position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Writes at the position; the file grows as needed. It may wait where too much is in memory.</summary>
    /// <exception cref="Format.NoSpaceException">There is no room for it, now or when it is written back.</exception>
    /// <exception cref="FileOperationException">The file may not be written (any more).</exception>
    /// <exception cref="Format.ReadOnlyFileSystemException">A failure has latched the file system.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Require(CanWrite);
        _files.Write(_node, (ulong)_position, buffer, _options);
        _position += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Cuts the file, or makes it longer with zeros.</summary>
    public override void SetLength(long value)
    {
        Require(CanWrite);
        _files.Truncate(_node.RootId, _node.Inode, (ulong)value);
        _position = Math.Min(_position, value);
    }

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => Length + offset,
    };

    /// <summary>Nothing: what is written is seen by all readers at once, and durable with <see cref="Sync"/> or a commit.</summary>
    public override void Flush()
    {
    }

    /// <summary>Makes the file durable, as fsync does.</summary>
    /// <exception cref="IOException">Data was lost on the way; it is told once.</exception>
    /// <exception cref="Format.BtrfsException">The same for another reason.</exception>
    public void Sync() => _files.Fsync(_node.RootId, _node.Inode);

    /// <summary>As <see cref="Sync"/>, on a thread of the pool: who flushes asynchronously wants to wait for the disk.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.Run(Sync, cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isClosed)
        {
            _isClosed = true;
            _files.Close(_node);
        }

        base.Dispose(disposing);
    }

    private void Require(bool can)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        if (!can)
            throw new NotSupportedException($"the file was opened for {_access} only");
    }
}
