using Microsoft.Win32.SafeHandles;

namespace Btrfs.Stream.Replay;

/// <summary>
/// What a chain of streams makes, without an image: a full stream and the incremental ones on top of it, in order. Streams are read once from begin to end and verified; of data only the places are
/// kept, and read again when a file is asked for. So memory grows with what the streams make and not with their data: about 400 bytes for an inode with its name,
/// 32 for each write or clone, and 8 for each inode of a snapshot besides its changes. Not thread-safe.
/// </summary>
public sealed class StreamChain : IDisposable
{
    private readonly List<SafeFileHandle> _inputs = [];
    private readonly StreamReplay _replay;
    private ContentDecoder? _decoder;

    private StreamChain(long memoryLimit) => _replay = new StreamReplay(memoryLimit);

    /// <summary>Reads a chain.</summary>
    /// <param name="paths">Files that hold one or more streams each, in the order in which they would be received.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="StreamFormatException">A stream breaks the format, says what can't be done, or needs one that is not in the chain.</exception>
    /// <exception cref="StreamChainException">The same, of one of several files: the message names it.</exception>
    /// <exception cref="IOException">A file can't be read, or is a pipe, which can't be read twice.</exception>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    public static StreamChain Open(IReadOnlyList<string> paths, StreamChainOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(paths);
        StreamChain chain = new((options ?? new StreamChainOptions()).MaxMemoryBytes);
        try
        {
            foreach (string path in paths)
                chain.Add(path, cancellation);
            return chain;
        }
        catch
        {
            chain.Dispose();
            throw;
        }
    }

    /// <summary>All subvolumes that the chain makes, in order.</summary>
    public IReadOnlyList<ReplayedSubvolume> Subvolumes => _replay.Subvolumes;

    /// <summary>The last subvolume, which is mostly the one that is meant.</summary>
    public ReplayedSubvolume Last => Subvolumes[^1];

    /// <summary>The content of a regular file. Several may be open at once, and are used in turns.</summary>
    /// <exception cref="ArgumentException">The inode is no regular file.</exception>
    public ContentStream OpenContent(ReplayedInode file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (!file.IsRegular)
            throw new ArgumentException("only a regular file has content", nameof(file));
        return new ContentStream(file, _inputs, _decoder ??= new ContentDecoder(_inputs, _replay.Encoded));
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (SafeFileHandle input in _inputs)
            input.Dispose();
    }

    private void Add(string path, CancellationToken cancellation)
    {
        SafeFileHandle input = File.OpenHandle(path);
        _inputs.Add(input);
        using System.IO.Stream stream = ReadAheadStream.Open(path);
        if (!stream.CanSeek && stream is not ReadAheadStream)
            throw new IOException($"'{path}' is read twice, which a pipe can't be");

        try
        {
            _replay.Apply(stream, _inputs.Count - 1, cancellation);
        }
        catch (StreamFormatException error) when (_inputs.Count > 1)
        {
            throw new StreamChainException(path, error);
        }
    }
}

/// <summary>Limits of a <see cref="StreamChain"/>.</summary>
public sealed record StreamChainOptions
{
    /// <summary>About how much memory the model may take, in bytes; default 4 GiB. What a few clones make of a file could take any amount.</summary>
    public long MaxMemoryBytes { get; init; } = 4L << 30;
}

/// <summary>A stream of a chain is at fault; the message begins with its file.</summary>
public sealed class StreamChainException(string path, StreamFormatException inner) : Exception($"'{path}': {inner.Message}", inner)
{
    /// <summary>The file.</summary>
    public string Path { get; } = path;
}
