using Btrfs.Engine;
using Btrfs.Engine.Making;
using Btrfs.Fidelity;
using Btrfs.Inode.Changes;
using Btrfs.Space.Making;
using Btrfs.Space.Transactions;
using SendRequest = Btrfs.Engine.SendRequest;

namespace Btrfs.LoopTests.Sending;

/// <summary>
/// Writers, each in a subvolume of its own and all at once; beside them snapshots are made, sent (each as the difference to the one before, now and then whole), received by the
/// kernel, compared and deleted, in as many chains as there are writers. What the writers do comes from a seed; how the threads meet does not.
/// </summary>
internal sealed class SendStress : IDisposable
{
    private const int Chains = 2;
    private const int FullEvery = 5;

    private readonly TestDirectory _directory = new();
    private readonly KernelReceiver _receiver = new(bytes: 4L << 30);
    private readonly Lock _receiving = new();
    private readonly BtrfsFileSystem _fs;
    private readonly int _seed;
    private readonly List<string> _failures = [];
    private long _operations;
    private long _streams;
    private long _streamBytes;
    private long _busy;
    private ulong _mostHeld;

    public SendStress(int seed)
    {
        _seed = seed;
        string image = Path.Combine(_directory.Path, "sent.img");
        ImageMaker.Make([image], new MakeOptions { DeviceBytes = 2UL << 30 });
        _fs = BtrfsFileSystem.Open([image], new BtrfsOpenOptions { Writable = true, BlockCacheBytes = 1 << 20 });
        for (int chain = 0; chain < Chains; chain++)
            _fs.CreateSubvolume($"work{chain}");
        _fs.Commit();
    }

    public IReadOnlyList<string> Failures => _failures;

    public long Streams => _streams;

    public string Figures(TimeSpan time) =>
        $"seed {_seed}: {time.TotalSeconds:f0} s, {_operations} changes, {_streams} streams of {_streamBytes >> 20} MiB received and compared,"
        + $" {_busy} deletions refused while a send ran, at most {_mostHeld >> 10} KiB held, generation {_fs.Info.Superblock.Generation}";

    public void Run(TimeSpan duration)
    {
        using CancellationTokenSource end = new(duration);
        Task[] tasks = [.. Enumerable.Range(0, Chains).SelectMany(chain => new[]
        {
            Task.Run(() => Guarded(end, () => Write(chain, end.Token))),
            Task.Run(() => Guarded(end, () => SendChain(chain, end.Token))),
        }), Task.Run(() => Guarded(end, () => Commit(end.Token)))];
        Task.WaitAll(tasks);
    }

    public void Dispose()
    {
        _fs.Dispose();
        _receiver.Dispose();
        _directory.Dispose();
    }

    private void Guarded(CancellationTokenSource end, Action action)
    {
        try
        {
            action();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            lock (_failures)
                _failures.Add(error.ToString());
            end.Cancel();
        }
    }

    private void Write(int chain, CancellationToken end)
    {
        StressWriter writer = new(_fs, $"work{chain}", new Random(_seed + chain));
        while (!end.IsCancellationRequested)
        {
            writer.Step();
            Interlocked.Increment(ref _operations);
        }
    }

    private void Commit(CancellationToken end)
    {
        while (!end.WaitHandle.WaitOne(30))
        {
            _mostHeld = Math.Max(_mostHeld, _fs.Writer.HeldBytes());
            _fs.Commit();
            _fs.CleanUp(CancellationToken.None);
        }
    }

    private void SendChain(int chain, CancellationToken end)
    {
        string? parent = null;
        for (int i = 0; !end.IsCancellationRequested; i++)
        {
            string name = $"chain{chain}-{i}";
            _fs.CreateSnapshot($"work{chain}", name, isReadOnly: true);
            SendRequest request = new() { Subvolumes = [name], Protocol = 1 + i % 2 };
            if (parent is not null && i % FullEvery != 0)
                request = request with { Parent = parent };
            string stream = _receiver.NewStream();
            using (FileStream file = File.Create(stream))
            using (InterruptedStream output = new(file, () => TryDelete(name)))
                _streamBytes += _fs.Send(request, output, progress: null, CancellationToken.None);

            using (CommitHold hold = _fs.HoldCommit())
            {
                lock (_receiving)
                {
                    string? difference = _receiver.Receive(stream) ?? _receiver.Difference(hold.Commit, name);
                    if (difference is not null)
                        throw new InvalidOperationException($"stream {name} of seed {_seed}: {difference}");
                    if (parent is not null)
                        _receiver.Delete(parent);
                }
            }

            File.Delete(stream);
            Interlocked.Increment(ref _streams);
            if (parent is not null)
                _fs.DeleteSubvolume(parent);
            parent = name;
        }
    }

    private void TryDelete(string subvolume)
    {
        try
        {
            _fs.DeleteSubvolume(subvolume);
            throw new InvalidOperationException($"{subvolume} was deleted while it was sent");
        }
        catch (FileOperationException error) when (error.Error == FileError.Busy)
        {
            Interlocked.Increment(ref _busy);
        }
    }
}
