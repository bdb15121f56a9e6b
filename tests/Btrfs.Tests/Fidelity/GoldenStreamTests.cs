using Btrfs.Fidelity;

namespace Btrfs.Tests.Fidelity;

/// <summary>Random states that were made through the kernel, with the streams that it sent of them: see tests/Corpora/golden/README.md.</summary>
public sealed class GoldenStreamTests
{
    private static readonly string s_golden = Path.Combine(AppContext.BaseDirectory, "golden");

    private static IEnumerable<string> States => Directory.EnumerateDirectories(s_golden).Select(state => Path.GetFileName(state)).Order();

    [Test]
    public void Every_recorded_stream_of_the_kernel_is_sent_again_byte_for_byte([ValueSource(nameof(States))] string state, [Values] DataMovement movement)
    {
        string work = Directory.CreateTempSubdirectory("btrfs-golden-").FullName;
        try
        {
            (List<string> images, List<Recording> recordings) = Golden.Open(Path.Combine(s_golden, state), work);
            Assert.That(recordings, Has.Count.GreaterThan(5));
            foreach (Verdict verdict in Judge.Compare(images, recordings, () => new EngineSendUnderTest(movement)))
                Assert.That(verdict.Difference, Is.Null, verdict.Request.ToString());
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    [Test]
    public void A_stream_with_one_wrong_byte_is_found_out()
    {
        string work = Directory.CreateTempSubdirectory("btrfs-golden-").FullName;
        try
        {
            (List<string> images, List<Recording> recordings) = Golden.Open(Path.Combine(s_golden, States.First()), work);
            List<Verdict> verdicts = Judge.Compare(images, recordings.Take(1), () => new CorruptedSend(new EngineSendUnderTest()));
            Assert.That(verdicts.Single().IsEqual, Is.False);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }
}
