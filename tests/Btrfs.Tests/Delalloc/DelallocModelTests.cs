using System.Globalization;
using Btrfs.Delalloc;
using Btrfs.Engine.Making;
using Btrfs.Space.Making;

namespace Btrfs.Tests.Delalloc;

public sealed class DelallocModelTests
{
    private static readonly int s_steps = int.Parse(Environment.GetEnvironmentVariable("BTRFS_STEPS") ?? "400", CultureInfo.InvariantCulture);

    [Test]
    public void Files_read_as_they_were_written_whatever_was_done_and_whenever_it_was_written_back(
        [Values(1, 2, 3)] int number, [Values("", "^no-holes")] string features, [Values(4, 256)] int memoryMiB)
    {
        DelallocOptions options = new() { MaxDirtyBytes = (long)memoryMiB << 20, BackgroundBytes = (long)memoryMiB << 18, Expiry = TimeSpan.FromMilliseconds(50) };
        Run(number, features, 512 << 20, options);
    }

    private static void Run(int number, string features, ulong bytes, DelallocOptions options)
    {
        int seed = TestSeed.Number() * 1000 + number;
        string directory = Directory.CreateTempSubdirectory("btrfs-delalloc-").FullName;
        try
        {
            string image = Path.Combine(directory, "image");
            ImageMaker.Make([image], new MakeOptions { DeviceBytes = bytes, Features = MakeFeatureNames.Apply(MakeFeatures.Default, features) });
            using DelallocModel model = new(image, seed, options);
            for (int step = 0; step < s_steps; step++)
                model.Step();
            Assert.That(model.Verify, Throws.Nothing);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
