using System.Collections.Concurrent;
using System.Globalization;
using Btrfs.Delalloc;
using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Tests.Delalloc;

/// <summary>Threads that do everything to the same few files at once: nobody may hang, fail in another way than POSIX has it, or leave anything behind.</summary>
public sealed class ChaosTests
{
    private const int Threads = 4;
    private const int Files = 5;
    private static readonly int s_steps = int.Parse(Environment.GetEnvironmentVariable("BTRFS_STEPS") ?? "300", CultureInfo.InvariantCulture);

    [Test]
    public void Threads_that_do_everything_to_the_same_files_leave_them_whole([Values("", "^no-holes")] string features)
    {
        int seed = TestSeed.Number();
        DelallocOptions options = new() { MaxDirtyBytes = 4 << 20, BackgroundBytes = 1 << 20, Expiry = TimeSpan.FromMilliseconds(10) };
        using BufferedImage image = new(512 << 20, options, features);
        ConcurrentQueue<Exception> failures = [];
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            Random random = new(seed * 100 + number);
            for (int step = 0; step < s_steps && failures.IsEmpty; step++)
            {
                try
                {
                    Do(image, random);
                }
                catch (Exception error) when (error is FileOperationException or InvalidRequestException)
                {
                    // Another thread was quicker.
                }
                catch (Exception error)
                {
                    failures.Enqueue(error);
                }
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            Assert.That(thread.Join(TimeSpan.FromMinutes(4)), "a thread hangs");
        Assert.That(failures, Is.Empty);
        image.Fs.Commit();
        Assert.That(image.Fs.Delalloc.DirtyBytes, Is.Zero);
        image.RequireClean();
    }

    private static void Do(BufferedImage image, Random random)
    {
        string path = $"file{random.Next(Files)}";
        string other = $"file{random.Next(Files)}";
        ulong offset = (ulong)random.Next(600_000);
        switch (random.Next(16))
        {
            case < 5:
                image.Fs.WriteFile(path, offset, BufferedImage.Random(random.Next(), random.Next(1, 100_000)));
                break;
            case 5:
                image.Fs.SetLength(path, offset);
                break;
            case 6:
                image.Fs.Allocate(path, offset, (ulong)random.Next(1, 200_000), (AllocateMode)random.Next(5));
                break;
            case 7:
                image.Fs.CloneRange(path, 0, 0, other, (ulong)random.Next(50) * 4096);
                break;
            case 8:
                image.Fs.Delete(path);
                break;
            case 9 or 10:
                image.Fs.CreateFile(path);
                break;
            case 11:
                image.Fs.Move(path, other);
                break;
            case 12:
                image.Fs.Fsync(path);
                break;
            case 13:
                using (BufferedFileStream file = image.Fs.OpenFile(path, FileAccess.ReadWrite))
                {
                    file.Position = (long)offset;
                    file.Write(BufferedImage.Random(1, 5000));
                    file.Position = 0;
                    file.ReadAtLeast(new byte[200_000], 200_000, throwOnEndOfStream: false);
                }

                break;
            case 14:
                _ = image.Fs.EnumerateDirectory("/").Count();
                _ = image.Fs.GetStatus(path);
                image.Fs.Delalloc.FlushRoot(ObjectIds.FsTree);
                break;
            default:
                string snapshot = $"snapshot{random.Next(6)}";
                if (random.Next(2) == 0)
                    image.Fs.CreateSnapshot("/", snapshot, isReadOnly: true);
                else
                    image.Fs.DeleteSubvolume(snapshot);
                break;
        }
    }
}
