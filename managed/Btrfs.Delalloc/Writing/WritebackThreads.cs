using Btrfs.Delalloc.Files;
using Btrfs.Delalloc.Pages;

namespace Btrfs.Delalloc.Writing;

/// <summary>The threads that write back by size and by age, and where writers wait who are over the limit.</summary>
internal sealed class WritebackThreads : IDisposable
{
    private const string NamePrefix = "btrfs-writeback-";

    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(20);

    private readonly Lock _starting = new();
    private readonly object _signal = new();
    private readonly DelallocOptions _options;
    private readonly PagePool _pool;
    private readonly InodeTable _table;
    private readonly WritebackControl _control;
    private readonly Action<BufferedInode, bool> _writeBack;
    private readonly Action<Exception> _fail;
    private Thread[] _threads = [];
    private bool _isStopping;

    /// <param name="options">When.</param>
    /// <param name="pool">How much is dirty.</param>
    /// <param name="table">Where.</param>
    /// <param name="control">Whether.</param>
    /// <param name="writeBack">Writes a file back: all of it, or a part.</param>
    /// <param name="fail">Latches the file system after a failure that nobody expected.</param>
    public WritebackThreads(
        DelallocOptions options, PagePool pool, InodeTable table, WritebackControl control, Action<BufferedInode, bool> writeBack, Action<Exception> fail)
    {
        _options = options;
        _pool = pool;
        _table = table;
        _control = control;
        _writeBack = writeBack;
        _fail = fail;
    }

    /// <summary>Something has become dirty: what has to be done about it will be.</summary>
    public void Notice(bool becameDirty)
    {
        if (_threads.Length == 0)
            Start();
        if (becameDirty || _pool.UsedBytes > _options.BackgroundBytes)
            Wake();
    }

    /// <summary>Memory has been freed.</summary>
    public void NoticeRoom() => Wake();

    /// <summary>
    /// Waits a while for writeback to free memory; where none does (the threads are held, or busy with other files), the writer writes back itself. The caller holds
    /// no lock but gates of files.
    /// </summary>
    public void MakeRoom()
    {
        Wake();
        if (!_control.IsHeld)
        {
            long before = _pool.UsedBytes;
            lock (_signal)
                Monitor.Wait(_signal, s_patience);
            if (_pool.UsedBytes < before)
                return;
        }

        if (Choose(everything: true) is { } node)
            WriteBack(node, whole: false);
    }

    public void Dispose()
    {
        lock (_signal)
        {
            _isStopping = true;
            Monitor.PulseAll(_signal);
        }

        foreach (Thread thread in _threads)
            thread.Join();
    }

    private void Start()
    {
        lock (_starting)
        {
            if (_threads.Length > 0 || _isStopping)
                return;
            Thread[] threads = new Thread[_options.Threads];
            for (int i = 0; i < threads.Length; i++)
            {
                threads[i] = new Thread(Run) { IsBackground = true, Name = $"{NamePrefix}{i}" };
                threads[i].Start();
            }

            _threads = threads;
        }
    }

    private void Wake()
    {
        lock (_signal)
            Monitor.PulseAll(_signal);
    }

    private void Run()
    {
        while (!_isStopping)
        {
            if (!_control.IsHeld && Choose(everything: false) is { } node)
            {
                WriteBack(node, whole: _pool.UsedBytes <= _options.BackgroundBytes);
                continue;
            }

            lock (_signal)
            {
                if (!_isStopping)
                    Monitor.Wait(_signal, TimeSpan.FromMilliseconds(Math.Clamp(_options.Expiry.TotalMilliseconds / 8, 10, 1000)));
            }
        }
    }

    // The file that has been dirty for longest, and that nobody writes back just now.
    private BufferedInode? Choose(bool everything)
    {
        bool bySize = everything || _pool.UsedBytes > _options.BackgroundBytes;
        long oldest = Environment.TickCount64 - (long)_options.Expiry.TotalMilliseconds;
        return _table.EnterOldest(bySize ? long.MaxValue : oldest);
    }

    private void WriteBack(BufferedInode node, bool whole)
    {
        try
        {
            _writeBack(node, whole);
        }
        catch (Exception error) when (Thread.CurrentThread.Name?.StartsWith(NamePrefix, StringComparison.Ordinal) == true)
        {
            // Whatever it is: on a thread of ours it would end the process, and with it what else that has to do.
            _fail(error);
            lock (node.State)
                node.Error ??= error;
        }
        finally
        {
            lock (node.State)
                node.IsBeingWritten = false;
            _table.Leave(node);
            Wake();
        }
    }
}
