using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Btrfs.Engine;
using Btrfs.Engine.DependencyInjection;
using Btrfs.Engine.Diagnostics;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Making;
using Btrfs.Tests.Making;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Btrfs.Tests.Engine;

/// <summary>Other tests of the process count into the same meter: sums are looked at from below, and the log of one file system by itself.</summary>
[NonParallelizable]
public sealed class DiagnosticsTests
{
    [Test]
    public void Streams_commits_and_what_waits_in_memory_are_counted_and_logged()
    {
        ConcurrentDictionary<string, double> sums = new();
        using MeterListener listener = Listen(sums);
        KeptLog log = new();
        BtrfsOpenOptions options = new() { Writable = true, Logger = log };
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open([.. new MadeImage(new MakeOptions()).Devices], options))
        {
            fs.CreateSubvolume("volume");
            fs.CreateFile("volume/file");
            fs.Delalloc.Writeback.Hold();
            fs.WriteFile("volume/file", 0, new byte[100_000]);
            listener.RecordObservableInstruments();
            Assert.That(sums["btrfs.delalloc.bytes"], Is.GreaterThanOrEqualTo(100_000));

            fs.SetReadOnly("volume", true);
            long bytes = fs.Send(new SendRequest { Subvolumes = ["volume"] }, System.IO.Stream.Null);
            listener.RecordObservableInstruments();
            Assert.That(sums["btrfs.send.streams"], Is.GreaterThanOrEqualTo(1));
            Assert.That(sums["btrfs.send.bytes"], Is.GreaterThanOrEqualTo(bytes));
            Assert.That(sums["btrfs.commits"], Is.GreaterThanOrEqualTo(1));
            Assert.That(sums["btrfs.commit.duration"], Is.GreaterThan(0));
            Assert.That(sums["btrfs.send.flush.duration"], Is.GreaterThan(0));
            Assert.That(sums["btrfs.writeback.bytes"], Is.GreaterThanOrEqualTo(100_000));
            Assert.That(sums, Does.ContainKey("btrfs.repairs"));
            Assert.That(() => fs.Send(new SendRequest { Subvolumes = ["nowhere"] }, System.IO.Stream.Null), Throws.TypeOf<InvalidRequestException>());
            Assert.That(log.Lines, Has.Some.Contains($"sent 1 subvolume(s), {bytes} bytes"));
        }

        Assert.That(log.Lines, Has.Some.StartsWith("Debug transaction "));
        Assert.That(log.Lines, Has.Some.StartsWith("Debug subvolumes 256 are flushed"));
        Assert.That(log.Lines, Has.Some.StartsWith("Warning a send of 1 subvolume(s) failed"));
        Assert.That(log.Lines, Has.None.StartsWith("Error"));
    }

    [Test]
    public void The_failure_that_latches_a_file_system_is_logged_once()
    {
        KeptLog log = new();
        BtrfsOpenOptions options = new() { Writable = true, Logger = log };
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([.. new MadeImage(new MakeOptions()).Devices], options);
        using (Btrfs.Space.Transactions.Transaction part = fs.Writer.Begin(1))
            OrphanItems.Add(part.GetTree(ObjectIds.FsTree), 300);
        Assert.That(() => fs.CreateFile("file"), Throws.TypeOf<ReadOnlyFileSystemException>());
        Assert.That(log.Lines.Where(line => line.StartsWith("Error", StringComparison.Ordinal)).ToList(), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_container_gives_file_systems_its_logger()
    {
        KeptLog log = new();
        ServiceCollection services = new();
        services.AddSingleton<ILogger<BtrfsFileSystemOpener>>(log);
        services.AddBtrfsEngine(options => options.Writable = true);
        using ServiceProvider provider = services.BuildServiceProvider();
        string image = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.img");
        try
        {
            Btrfs.Engine.Making.ImageMaker.Make([image], new MakeOptions { DeviceBytes = 128 << 20 });
            using (BtrfsFileSystem fs = provider.GetRequiredService<BtrfsFileSystemOpener>().Open(image))
                fs.CreateFile("file");
            Assert.That(log.Lines, Has.Some.StartsWith("Debug transaction "));
        }
        finally
        {
            File.Delete(image);
        }
    }

    private static MeterListener Listen(ConcurrentDictionary<string, double> sums)
    {
        MeterListener listener = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == BtrfsMeter.Name)
                    self.EnableMeasurementEvents(instrument);
            },
        };
        void Add(Instrument instrument, double value) =>
            sums.AddOrUpdate(instrument.Name, value, (_, sum) => instrument.IsObservable ? value : sum + value);
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument, value));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Add(instrument, value));
        listener.Start();
        return listener;
    }

    private sealed class KeptLog : ILogger<BtrfsFileSystemOpener>
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyCollection<string> Lines => _lines;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue($"{logLevel} {formatter(state, exception)}");
    }
}
