using Btrfs.Engine.Making;
using Btrfs.Space.Making;

namespace Btrfs.Tests.Changes;

public sealed class FileModelTests
{
    private const int Steps = 150;

    [Test]
    public void Files_hold_what_was_written_to_them_whatever_was_done([Values(1, 2, 3)] int number, [Values] bool noHoles)
    {
        int seed = TestSeed.Number() * 1000 + number;
        string directory = Directory.CreateTempSubdirectory("btrfs-model-").FullName;
        try
        {
            string image = Path.Combine(directory, "image");
            MakeFeatures features = noHoles ? MakeFeatures.Default : MakeFeatureNames.Apply(MakeFeatures.Default, "^no-holes");
            ImageMaker.Make([image], new MakeOptions { DeviceBytes = 512 << 20, Features = features });
            using FileModel model = new(image, seed);
            for (int step = 0; step < Steps; step++)
                model.Step();
            Assert.That(model.Verify, Throws.Nothing);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
