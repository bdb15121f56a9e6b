using System.Collections.Concurrent;
using Btrfs.Engine;
using Btrfs.Engine.Making;
using Btrfs.Fidelity.Devices;
using Btrfs.Space.Making;
using Btrfs.Storage;

namespace Btrfs.Tests.Log;

/// <summary>Fsyncs of many threads at once: each holds what it promises, and together they take few flushes.</summary>
[TestFixture]
internal sealed class SyncTogetherTests
{
    private const int Threads = 8;
    private const int Rounds = 8;
    private const int PieceBytes = 5000;

    [Test]
    public void Each_of_many_fsyncs_at_once_has_its_data_on_the_disk_when_it_returns()
    {
        string directory = Directory.CreateTempSubdirectory("btrfs-together-").FullName;
        try
        {
            string image = Path.Combine(directory, "image");
            ImageMaker.Make([image], new MakeOptions { DeviceBytes = 128 << 20 });
            using FileBlockDevice below = FileBlockDevice.Open(image, DeviceOpenOptions.Default);
            CrashRecorder recorder = new();
            ConcurrentQueue<(int Time, int File, int Rounds)> promises = [];
            int flushes = Run(recorder, below, promises);

            TestContext.Out.WriteLine($"{promises.Count} fsyncs took {flushes} flushes");
            Assert.That(promises, Has.Count.EqualTo(Threads * Rounds));
            Assert.That(flushes, Is.LessThan(promises.Count * 3 / 2), "each alone takes two");
            foreach ((int time, int file, int rounds) in promises)
            {
                // Of what no flush covers nothing is left.
                using BtrfsFileSystem fs = BtrfsFileSystem.Open(recorder.CrashAt(time, _ => []));
                Assert.That(fs.ReadAll($"file{file}").AsSpan(0, rounds * PieceBytes).SequenceEqual(Content(file, rounds)), $"file {file} after {rounds} rounds, at {time}");
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <returns>How many flushes the fsyncs took.</returns>
    private static int Run(CrashRecorder recorder, IBlockDevice below, ConcurrentQueue<(int Time, int File, int Rounds)> promises)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([recorder.Add(below, TimeSpan.FromMilliseconds(3))], new BtrfsOpenOptions { Writable = true });
        for (int file = 0; file < Threads; file++)
            fs.CreateFile($"file{file}");
        fs.Commit();
        int before = recorder.FlushTimes.Count;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(file => new Thread(() =>
        {
            byte[] content = Content(file, Rounds);
            for (int round = 0; round < Rounds; round++)
            {
                fs.WriteFile($"file{file}", (ulong)(round * PieceBytes), content.AsSpan(round * PieceBytes, PieceBytes));
                fs.Fsync($"file{file}");
                promises.Enqueue((recorder.Now, file, round + 1));
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        return recorder.FlushTimes.Count - before;
    }

    private static byte[] Content(int file, int rounds)
    {
        byte[] content = new byte[Rounds * PieceBytes];
        new Random(file).NextBytes(content);
        return content[..(rounds * PieceBytes)];
    }
}
