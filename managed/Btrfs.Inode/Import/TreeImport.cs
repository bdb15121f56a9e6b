using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Import;

/// <summary>
/// Brings many files into one subvolume. What is added waits in a queue while other threads read, compress and write its data; then it is entered in the trees, in
/// the order in which it was added and many in one part of a transaction. When that happens depends on what was added and on nothing else, so the same
/// input makes the same trees. Not thread-safe. Without <see cref="Complete"/> the last of it is lost.
/// </summary>
public sealed class TreeImport : IDisposable
{
    private const int MaxQueued = 192;
    private const long MaxQueuedBytes = 96L << 20;
    private const int StepsPerPart = 24;

    /// <summary>Plain data that is entered at once: so much has its checksums in memory.</summary>
    private const ulong MaxPlainBytes = 1UL << 30;

    private readonly SubvolumeWriter _subvolume;
    private readonly WriteOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly Queue<ImportStep> _queue = new();
    private readonly List<ImportStep> _batch = [];
    private long _queuedBytes;

    /// <param name="subvolume">Where to.</param>
    /// <param name="options">How file data is stored.</param>
    /// <param name="cancellation">Ends it between two pieces.</param>
    public TreeImport(SubvolumeWriter subvolume, WriteOptions? options = null, CancellationToken cancellation = default)
    {
        _subvolume = subvolume;
        _options = options ?? subvolume.Writing;
        _cancellation = cancellation;
    }

    private FsWriter Writer => _subvolume.Writer;

    /// <summary>A directory that is there already. Names that go into it must be free.</summary>
    public ImportDirectory Open(ulong directory)
    {
        using Transaction part = Writer.Begin(0);
        return ImportDirectory.Of(new Change(part, _subvolume), directory);
    }

    /// <summary>Adds a directory.</summary>
    public ImportDirectory AddDirectory(ImportDirectory parent, ReadOnlySpan<byte> name, ImportedInode what)
    {
        Prepared prepared = Prepare(parent, name, what);
        Enqueue(new InodeStep(parent, name.ToArray(), prepared, data: null, isWhole: true));
        return new ImportDirectory(prepared.Inode, (InodeFlags)prepared.Item.Flags.Value, Properties.Inheritable(prepared.Compression), isImported: true);
    }

    /// <summary>Adds a symbolic link, fifo, socket or device node.</summary>
    /// <returns>Its inode number.</returns>
    public ulong Add(ImportDirectory parent, ReadOnlySpan<byte> name, ImportedInode what)
    {
        Prepared prepared = Prepare(parent, name, what);
        Enqueue(new InodeStep(parent, name.ToArray(), prepared, data: null, isWhole: true));
        return prepared.Inode;
    }

    /// <summary>Adds a regular file.</summary>
    /// <param name="parent">Where.</param>
    /// <param name="name">Bytes without a slash.</param>
    /// <param name="what">The inode.</param>
    /// <param name="content">Taken over, also when this throws.</param>
    /// <returns>Its inode number.</returns>
    public ulong AddFile(ImportDirectory parent, ReadOnlySpan<byte> name, ImportedInode what, ImportContent content)
    {
        try
        {
            byte[] ownName = name.ToArray();
            Prepared prepared;
            ImportData? data;
            DataEncoder encoder;
            ulong offset = 0;
            using (Transaction part = Writer.Begin(0))
            {
                Change change = new(part, _subvolume);
                prepared = Prepared.Of(change, parent, name, what, content.Size);
                encoder = DataEncoder.For(change, prepared.Item, prepared.Compression, _options);
                data = NextData(change, content, encoder, ref offset);
                part.Complete();
            }

            bool isWhole = offset >= content.Size;
            Enqueue(new InodeStep(parent, ownName, prepared, data, isWhole) { Content = isWhole ? content : null });
            while (offset < content.Size)
            {
                using (Transaction part = Writer.Begin(0))
                {
                    data = NextData(new Change(part, _subvolume), content, encoder, ref offset);
                    part.Complete();
                }

                bool isLast = offset >= content.Size;
                Enqueue(new DataStep(parent, ownName, prepared.Inode, data, isLast) { Content = isLast ? content : null });
            }

            return prepared.Inode;
        }
        catch
        {
            Settle();
            content.Dispose();
            throw;
        }
    }

    /// <summary>Gives an inode that was added a further name.</summary>
    public void AddLink(ImportDirectory parent, ReadOnlySpan<byte> name, ulong inode)
    {
        using (Transaction part = Writer.Begin(0))
            Prepared.RequireName(new Change(part, _subvolume), parent, name);
        Enqueue(new LinkStep(parent, name.ToArray(), inode));
    }

    /// <summary>Enters what still waits. All of it is durable after the next commit.</summary>
    public void Complete()
    {
        while (_queue.Count > 0)
            EnterBatch();
    }

    /// <summary>Gives up what still waits.</summary>
    public void Dispose()
    {
        Settle();
        if (_queue.Count == 0)
            return;

        try
        {
            using Transaction part = Writer.Begin(0, ReservePolicy.Freeing);
            Change change = new(part, _subvolume);
            foreach (ImportStep step in _queue)
                step.Abandon(change);
            part.Complete();
        }
        catch (BtrfsException)
        {
            // The file system is latched: the space is free again with the next opening.
        }

        foreach (ImportStep step in _queue)
            step.Content?.Dispose();
        _queue.Clear();
    }

    private Prepared Prepare(ImportDirectory parent, ReadOnlySpan<byte> name, ImportedInode what)
    {
        using Transaction part = Writer.Begin(0);
        return Prepared.Of(new Change(part, _subvolume), parent, name, what, 0);
    }

    /// <summary>Sets threads to work on the next data of a file; null where only a hole is left.</summary>
    private ImportData? NextData(Change change, ImportContent content, DataEncoder encoder, ref ulong offset)
    {
        _cancellation.ThrowIfCancellationRequested();
        if (offset == 0 && content.Size <= (ulong)change.SectorSize && TryReadInline(content, encoder) is { } small)
        {
            offset = content.Size;
            return small;
        }

        return encoder.Compression == CompressionType.None
            ? NextPlain(change, content, encoder, ref offset)
            : NextCompressed(change, content, encoder, ref offset);
    }

    private static InlineData? TryReadInline(ImportContent content, DataEncoder encoder)
    {
        byte[] bytes = new byte[content.Size];
        ImportData.Fill(content, 0, bytes);
        return encoder.TryEncodeInline(bytes, out ReadOnlyMemory<byte> payload, out CompressionType compression)
            ? new InlineData(payload, content.Size, compression)
            : null;
    }

    private PlainData NextPlain(Change change, ImportContent content, DataEncoder encoder, ref ulong offset)
    {
        PlainData data = new(encoder, change.SectorSize);
        try
        {
            ulong limit = offset + MaxPlainBytes;
            while (offset < Math.Min(content.Size, limit))
            {
                if (!content.TryFindData(offset, out ulong begin, out ulong end))
                {
                    offset = content.Size;
                    break;
                }

                begin = change.AlignDown(begin);
                end = Math.Min(change.AlignUp(end), begin + MaxPlainBytes);
                data.Add(change.Part, content, begin, end, _cancellation);
                offset = end;
            }
        }
        catch
        {
            data.Settle();
            data.Abandon(change);
            throw;
        }

        return data;
    }

    private CompressedData? NextCompressed(Change change, ImportContent content, DataEncoder encoder, ref ulong offset)
    {
        if (!content.TryFindData(offset, out ulong begin, out ulong end))
        {
            offset = content.Size;
            return null;
        }

        begin = change.AlignDown(begin);
        offset = Math.Min(change.AlignUp(end), begin + CompressedData.MaxBytes);
        return new CompressedData(encoder, content, begin, offset, _cancellation);
    }

    private void Enqueue(ImportStep step)
    {
        _queue.Enqueue(step);
        _queuedBytes += step.Bytes;
        while (_queue.Count > MaxQueued || _queuedBytes > MaxQueuedBytes)
            EnterBatch();
    }

    private void EnterBatch()
    {
        _cancellation.ThrowIfCancellationRequested();
        _batch.Clear();
        foreach (ImportStep step in _queue)
        {
            if (_batch.Count == StepsPerPart)
                break;
            step.Wait();
            _batch.Add(step);
        }

        using (Transaction part = Writer.Begin(_batch.Sum(step => step.Items)))
        {
            // Whoever syncs in the midst of an import does better with a commit, and so steps need not note what they do.
            part.ForbidLog();
            ImportPart entering = new(new Change(part, _subvolume));
            foreach (ImportStep step in _batch)
                step.Enter(entering);
            entering.Finish();
            part.Complete();
        }

        foreach (ImportStep step in _batch)
        {
            _queuedBytes -= step.Bytes;
            step.Content?.Dispose();
            _queue.Dequeue();
        }
    }

    /// <summary>Waits for the threads, whatever became of their work.</summary>
    private void Settle()
    {
        foreach (ImportStep step in _queue)
            step.Settle();
    }
}
