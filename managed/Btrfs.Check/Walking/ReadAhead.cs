using System.Collections.Concurrent;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Walking;

/// <summary>
/// Reads and verifies the leaves below a node on a thread of its own, while the walk goes through those in front. Each leaf of a batch is taken by whoever
/// comes to it first, so the walk never waits for more than the one block that is just being read. The thread starts with the first node that is worth it.
/// </summary>
internal sealed class ReadAhead : IDisposable
{
    private const int LeastLeaves = 16;
    private const int Free = 0;
    private const int Taken = 1;
    private const int Done = 2;

    private readonly FsInfo _fs;
    private readonly bool _isPossible;
    private readonly BlockingCollection<Batch> _batches = [];
    private Thread? _thread;
    private Batch? _current;

    public ReadAhead(FsInfo fs)
    {
        _fs = fs;
        _isPossible = fs.Blocks is ExtentBufferReader && Environment.ProcessorCount > 1;
    }

    /// <summary>The leaves below one node, in order.</summary>
    private sealed class Batch(BlockPointer[] pointers, ulong root)
    {
        public readonly BlockPointer[] Pointers = pointers;
        public readonly ExtentBuffer?[] Buffers = new ExtentBuffer?[pointers.Length];
        public readonly int[] States = new int[pointers.Length];
        public readonly ulong Root = root;

        /// <summary>How far the walk has come. Nothing in front of it is worth reading.</summary>
        public volatile int Position;
        public volatile bool IsAbandoned;

        public bool TryTake(int index) => Interlocked.CompareExchange(ref States[index], Taken, Free) == Free;
    }

    /// <summary>Begins to read what a node of level 1 points to.</summary>
    /// <param name="node">The node.</param>
    /// <param name="root">The tree that is walked.</param>
    /// <param name="isWanted">Whether the block at an address will be read at all.</param>
    public void Plan(ExtentBuffer node, ulong root, Func<ulong, bool> isWanted)
    {
        if (!_isPossible || node.Level != 1 || node.Count < LeastLeaves)
            return;

        NodeView view = node.Node;
        List<BlockPointer> pointers = new(view.Count);
        for (int slot = 0; slot < view.Count; slot++)
        {
            ref readonly KeyPointer child = ref view.Pointer(slot);
            if (isWanted(child.Bytenr))
                pointers.Add(new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, 0, child.Key));
        }

        if (_current is not null)
            _current.IsAbandoned = true;
        _current = null;
        if (pointers.Count < LeastLeaves)
            return;

        _current = new Batch([.. pointers], root);
        _batches.Add(_current);
        if (_thread is null)
        {
            _thread = new Thread(ReadBatches) { IsBackground = true, Name = "check: read ahead" };
            _thread.Start();
        }
    }

    /// <exception cref="CorruptMetadataException">No mirror has a block that passes.</exception>
    public ExtentBuffer Read(in BlockPointer pointer, ulong root)
    {
        if (_current is not { } batch || pointer.Level != 0 || batch.Root != root)
            return _fs.Blocks.Read(pointer, root);

        int index = batch.Position;
        while (index < batch.Pointers.Length && batch.Pointers[index] != pointer)
            index++;
        if (index == batch.Pointers.Length)
            return _fs.Blocks.Read(pointer, root);

        batch.Position = index + 1;
        if (batch.TryTake(index))
            return _fs.Blocks.Read(pointer, root);

        SpinWait wait = default;
        while (Volatile.Read(ref batch.States[index]) != Done)
            wait.SpinOnce(sleep1Threshold: -1);
        if (batch.Buffers[index] is not { } buffer)
        {
            // What went wrong over there is told here, where somebody catches it.
            return _fs.Blocks.Read(pointer, root);
        }

        batch.Buffers[index] = null;
        return buffer;
    }

    public void Dispose()
    {
        if (_current is not null)
            _current.IsAbandoned = true;
        _batches.CompleteAdding();
        _thread?.Join();
        _batches.Dispose();
    }

    private void ReadBatches()
    {
        foreach (Batch batch in _batches.GetConsumingEnumerable())
        {
            for (int index = 0; index < batch.Pointers.Length && !batch.IsAbandoned; index++)
            {
                index = Math.Max(index, batch.Position);
                if (index < batch.Pointers.Length && batch.TryTake(index))
                    ReadInto(batch, index);
            }
        }
    }

    private void ReadInto(Batch batch, int index)
    {
        try
        {
            batch.Buffers[index] = _fs.Blocks.Read(batch.Pointers[index], batch.Root);
        }
        catch (CorruptMetadataException)
        {
            // The walk reads it once more, and tells.
        }
        finally
        {
            Volatile.Write(ref batch.States[index], Done);
        }
    }
}
